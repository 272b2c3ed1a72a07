// The looks of the page, light and dark.

export const STYLE = `
:root { color-scheme: light dark; --ground: #fff; --text: #1c2128; --soft: #59636e; --line: #d9dee4;
  --good: #1a7f37; --bad: #cf222e; --bad-ground: #ffebe9; --warn: #9a6700; --warn-ground: #fff8c5; --data: #0969da;
  --hue0: #bc4c00; --hue1: #8250df; --hue2: #0e7490; --hue3: #bf3989; }
@media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --text: #e6edf3; --soft: #9198a1;
  --line: #30363d; --good: #3fb950; --bad: #f85149; --bad-ground: #2d1517; --warn: #d29922; --warn-ground: #272115;
  --data: #58a6ff; --hue0: #f0883e; --hue1: #bc8cff; --hue2: #39c5cf; --hue3: #f778ba; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 3rem; background: var(--ground); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: break-word; }
header { display: flex; align-items: center; gap: .9rem; flex-wrap: wrap; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .7rem; }
.badge { border-radius: 2rem; padding: .1rem .8rem; color: var(--ground); font-weight: 600; background: var(--good); }
.badge.failed { background: var(--bad); }
.facts, footer { color: var(--soft); margin: .4rem 0 0; }
footer { margin-top: 2.4rem; padding-top: .7rem; border-top: 1px solid var(--line); }
.why { border-left: 4px solid var(--line); margin: 1.3rem 0; padding: .1rem 0 .1rem 1rem; max-width: 46rem; }
.warning { background: var(--warn-ground); border: 1px solid var(--warn); border-radius: .5rem; padding: .6rem 1rem; }
.verdicts { list-style: none; padding: 0; margin: .6rem 0 0; }
.verdicts li { display: grid; grid-template-columns: 1.6rem 1fr; padding: .45rem .5rem; border-top: 1px solid var(--line); }
.verdicts li:last-child { border-bottom: 1px solid var(--line); }
.verdicts li.failed { background: var(--bad-ground); }
.verdicts .sign { font-weight: 700; color: var(--good); }
.verdicts .failed .sign { color: var(--bad); }
.verdicts .seen { color: var(--soft); display: block; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; padding: 0; margin: 0 0 .8rem;
  color: var(--soft); font-size: .87rem; }
.legend svg { vertical-align: -1px; margin-right: .4rem; }
.chart, .scroll { overflow-x: auto; }
.chart svg { min-width: 44rem; width: 100%; height: auto; display: block; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: .92em; }
td .what { color: var(--soft); overflow-wrap: anywhere; min-width: 8rem; }
td .bad { color: var(--bad); }
td strong, td .nowrap { white-space: nowrap; }
pre { margin: .3rem 0 0; font-size: .8rem; color: var(--soft); white-space: pre-wrap; overflow-wrap: anywhere; }
.files { columns: 14rem; padding-left: 1.1rem; margin: .2rem 0 1rem; }
section > p { margin: .4rem 0; }
a { color: var(--data); }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--text); }
svg .kind, svg .tick, svg .axis text, svg .state { fill: var(--soft); font-size: 11px; }
svg .name { font-weight: 600; }
svg .ground, svg .track { fill: var(--soft); opacity: .07; }
svg .before rect { fill: var(--soft); opacity: .14; }
svg .grid, svg .axis line { stroke: var(--line); }
svg .line { fill: none; stroke: var(--data); stroke-width: 1.4; opacity: .7; }
svg .span { stroke: var(--data); stroke-width: 3; opacity: .45; }
svg .ok { fill: var(--data); } svg .bad { fill: var(--bad); }
svg .lane .failed { fill: var(--bad); font-size: 11px; }
svg .failure line { stroke: var(--bad); stroke-width: 3; opacity: .22; }
svg .failure path { stroke: var(--bad); stroke-width: 1.7; fill: none; }
svg .mark line { stroke: var(--good); stroke-width: 1.5; stroke-dasharray: 4 3; }
svg .mark text { fill: var(--good); font-weight: 600; }
svg .band text { font-weight: 600; }
svg .band .shade { opacity: .09; }
svg .band .bar { opacity: .34; }
svg .hue0 rect { fill: var(--hue0); } svg .hue1 rect { fill: var(--hue1); }
svg .hue2 rect { fill: var(--hue2); } svg .hue3 rect { fill: var(--hue3); }
svg .devices .crashed rect, svg .devices .stopped rect { fill: var(--bad); opacity: .55; }
svg .devices .frozen rect { fill: var(--data); opacity: .5; }
svg .devices .starting rect { fill: var(--warn); opacity: .55; }
svg .devices .state { fill: var(--text); }
`;
