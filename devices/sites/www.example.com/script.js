// Says how the page came, as far as the browser knows.
const greeting = document.getElementById('greeting');
const [visit] = performance.getEntriesByType('navigation');
if (greeting && visit) {
  const spared = performance.getEntriesByType('resource').filter((entry) => entry.transferSize === 0).length;
  greeting.textContent = `The page took ${Math.round(visit.responseEnd)} ms; ${spared} of its files came from the cache.`;
}
