import { Box, Text } from 'ink';
import Table from 'ink-table';
import { createContext, memo, type ReactNode, use } from 'react';
import type { Slot } from '../../themes/index.ts';
import { clean, fitTo } from '../text/clean.ts';
import type { Painter } from '../text/paint.ts';

/** A row as ink-table takes it: plain values by column. `id` is its identity; `slots` say what cells mean. */
export type TableRow = { readonly id: string; readonly [column: string]: string };

export interface TableColumn {
  readonly key: string;
  readonly title: string;
  readonly width: number;
  readonly align?: 'left' | 'right';
  readonly slot?: (row: TableRow) => Slot;
}

interface LiveTableProps {
  readonly data: TableRow[];
  readonly layout: readonly TableColumn[];
  readonly selected: number;
  readonly painter: Painter;
}

const RowContext = createContext<{ row?: TableRow; selected: boolean; columns: readonly TableColumn[]; painter?: Painter }>({
  selected: false,
  columns: [],
});

/** ink-table hands a cell its column's number; the row comes by context. */
function LiveCell({ column }: { readonly column: number }) {
  const { row, selected, columns, painter } = use(RowContext);
  const spec = columns[column];
  if (!row || !spec || !painter) return null;
  const text = `${fitTo(clean(row[spec.key] ?? ''), spec.width, spec.align)} `;
  return (
    <Text wrap="truncate">
      {painter.paint([[text, spec.slot?.(row) ?? 'text']], spec.width + 1, selected ? 'selected' : undefined)}
    </Text>
  );
}

/** Borders and separators draw nothing, so one row takes one line. */
const NoSkeleton = () => null;

interface RowViewProps {
  readonly draw: (props: { key: string; columns: never[]; data: never }) => ReactNode;
  readonly cells: unknown;
  readonly row: TableRow;
  readonly selected: boolean;
  readonly columns: readonly TableColumn[];
  readonly painter: Painter;
}

const RowView = memo(
  ({ draw, cells, row, selected, columns, painter }: RowViewProps) => (
    <RowContext value={{ row, selected, columns, painter }}>
      {draw({ key: row.id, columns: cells as never[], data: {} as never })}
    </RowContext>
  ),
  (a, b) => a.selected === b.selected && a.columns === b.columns && a.painter === b.painter && sameRow(a.row, b.row),
);

const sameRow = (a: TableRow, b: TableRow) => a === b || Object.keys(b).every(key => a[key] === b[key]);

/**
 * ink-table's row builder with its cell and skeleton slots, but with widths, keys and the window given from outside: it is handed visible
 * rows only, and a row that did not change is not drawn again.
 */
export class LiveTable extends Table<Record<string, string>> {
  get live(): LiveTableProps {
    return this.props as unknown as LiveTableProps;
  }

  override getConfig() {
    return { ...super.getConfig(), cell: LiveCell as never, skeleton: NoSkeleton as never };
  }

  override getColumns() {
    return this.live.layout.map(column => ({ key: column.key, column: column.key, width: 0 }));
  }

  override render() {
    const { data, layout, selected, painter } = this.live;
    const cells = this.getColumns();
    return (
      <Box flexDirection="column">
        {data.map((row, i) => (
          <RowView
            key={row.id}
            draw={this.data as unknown as RowViewProps['draw']}
            cells={cells}
            row={row}
            selected={i === selected}
            columns={layout}
            painter={painter}
          />
        ))}
      </Box>
    );
  }
}

/** The table with its own props: ink-table's type knows nothing of them. */
export const LiveTableView = LiveTable as unknown as React.ComponentType<LiveTableProps>;
