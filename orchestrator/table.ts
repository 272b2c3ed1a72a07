// Rows of text in columns, as ps prints them.

/** The first row is the heading. Columns named in `right` are set flush right. */
export function formatTable(
  rows: readonly (readonly string[])[],
  right: ReadonlySet<string> = new Set(),
): string {
  const [heading = []] = rows;
  const widths = heading.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return right.has(heading[column] ?? '') ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
