// The looks of the page, light and dark.

export const STYLE = `
:root { color-scheme: light dark; --ground: #fff; --panel: #f6f7f9; --text: #1c2128; --soft: #59636e; --line: #d9dee4;
  --good: #1a7f37; --bad: #cf222e; --warn: #9a6700; --warn-ground: #fff8c5; --data: #0969da;
  --hue0: #bc4c00; --hue1: #8250df; --hue2: #0e7490; --hue3: #bf3989; }
@media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --panel: #161b22; --text: #e6edf3; --soft: #9198a1;
  --line: #30363d; --good: #3fb950; --bad: #f85149; --warn: #d29922; --warn-ground: #272115; --data: #58a6ff;
  --hue0: #f0883e; --hue1: #bc8cff; --hue2: #39c5cf; --hue3: #f778ba; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; background: var(--ground); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header { display: flex; align-items: center; gap: .9rem; flex-wrap: wrap; }
h1 { font-size: 1.7rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .7rem; }
.badge { border-radius: 2rem; padding: .1rem .8rem; color: #fff; font-weight: 600; background: var(--good); }
.badge.failed { background: var(--bad); }
@media (prefers-color-scheme: dark) { .badge { color: #0d1117; } }
.facts { color: var(--soft); margin: .4rem 0 0; }
.why { border-left: 4px solid var(--line); margin: 1.3rem 0; padding: .1rem 0 .1rem 1rem; max-width: 46rem; }
.warning { background: var(--warn-ground); border: 1px solid var(--warn); border-radius: .5rem; padding: .6rem 1rem; }
.verdicts { list-style: none; padding: 0; margin: 0; }
.verdicts li { display: grid; grid-template-columns: 1.6rem 1fr; padding: .45rem 0; border-top: 1px solid var(--line); }
.verdicts li:last-child { border-bottom: 1px solid var(--line); }
.verdicts .sign { font-weight: 700; color: var(--good); }
.verdicts .failed .sign { color: var(--bad); }
.verdicts .seen { color: var(--soft); display: block; }
.chart, .scroll { overflow-x: auto; }
.chart svg { min-width: 44rem; width: 100%; height: auto; display: block; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: .88em; }
pre { margin: .3rem 0 0; font-size: .8rem; color: var(--soft); white-space: pre-wrap; overflow-wrap: anywhere; }
.files { columns: 14rem; padding-left: 1.1rem; }
a { color: var(--data); }
svg text { font: 12px system-ui, sans-serif; fill: var(--text); }
svg .kind, svg .tick, svg .axis text { fill: var(--soft); font-size: 11px; }
svg .name { font-weight: 600; }
svg .ground { fill: var(--panel); opacity: .55; }
svg .grid, svg .axis line { stroke: var(--line); }
svg .line { fill: none; stroke: var(--data); stroke-width: 1.4; opacity: .7; }
svg .ok { fill: var(--data); }
svg .failure line, svg .failure path { stroke: var(--bad); stroke-width: 1.8; fill: none; }
svg .failure line { opacity: .45; }
svg .mark line { stroke: var(--good); stroke-width: 1.4; stroke-dasharray: 3 3; }
svg .band .shade { opacity: .1; }
svg .band .bar { opacity: .32; }
svg .hue0 rect { fill: var(--hue0); } svg .hue1 rect { fill: var(--hue1); }
svg .hue2 rect { fill: var(--hue2); } svg .hue3 rect { fill: var(--hue3); }
`;
