// Commands that show one table of the device and take no more than --json.

import type { Command, DeviceTables } from '../command.ts';
import { formatTable } from './columns.ts';
import { CommandFailure, command } from './console.ts';
import { OptionError, parseOptions } from './options.ts';

export interface TableCommand<Row, Tables> {
  readonly name: string;
  /** What the table is called when a device has none. */
  readonly what: string;
  rows(tables: Tables): readonly Row[] | undefined;
  readonly columns: readonly (readonly [heading: string, cell: (row: Row) => string])[];
}

const SPECS = { json: { short: 'j', long: 'json' } };

export function tableCommand<Row, Tables = DeviceTables>(
  table: TableCommand<Row, Tables>,
): Command<{ readonly device: string; readonly tables: Tables }> {
  const { name, columns } = table;
  return command(name, async (args, console, { device, tables }) => {
    const json = wantsJson(name, args);
    const rows = table.rows(tables);
    if (!rows) throw new CommandFailure(1, `${name}: ${device} has no ${table.what}`);
    const text = json
      ? `${JSON.stringify(rows)}\n`
      : formatTable(
          columns.map(([heading]) => heading),
          rows.map((row) => columns.map(([, cell]) => cell(row))),
        );
    await console.print(text);
    return 0;
  });
}

function wantsJson(name: string, args: readonly string[]): boolean {
  const usage = `Usage: ${name} [-j | --json]`;
  try {
    const { options, operands } = parseOptions(args, SPECS);
    if (operands.length > 0) throw new CommandFailure(2, `${name}: extra operand '${operands[0]}'\n${usage}`);
    return options.length > 0;
  } catch (error) {
    if (error instanceof OptionError) throw new CommandFailure(2, `${name}: ${error.text}\n${usage}`);
    throw error;
  }
}
