import { Box, Text } from 'ink';
import { useMemo } from 'react';
import type { Slot } from '../../themes/index.ts';
import { actionWords } from '../select/condition-words.ts';
import type { FilterRow } from '../select/select-filters.ts';
import { grouped } from '../select/words.ts';
import type { Painter } from '../text/paint.ts';
import type { FilterTable } from './filter-table.ts';
import { LiveTableView, type TableColumn, type TableRow } from './live-table.tsx';

export interface FiltersTableProps {
  readonly table: FilterTable;
  readonly height: number;
  readonly width: number;
  readonly painter: Painter;
}

const slot = (row: TableRow): Slot => (row['kind'] === 'layer' ? 'heading' : row['kind'] === 'sublayer' ? 'muted' : 'text');
const verdictSlots: Readonly<Record<string, Slot>> = { permit: 'permit', block: 'block' };
const actionSlot = (row: TableRow): Slot =>
  row['kind'] === 'filter' ? (verdictSlots[(row['action'] ?? '').trim()] ?? 'waiting') : slot(row);

/** Columns for a width; on narrow screens the name gives way first. */
export function filterColumns(width: number): readonly TableColumn[] {
  const name = width >= 72 ? Math.min(34, Math.floor(width * 0.3)) : 0;
  // One blank after each column.
  const match = Math.max(10, width - 1 - 10 - 8 - name - (name ? 5 : 4));
  return [
    { key: 'edge', title: ' ', width: 1 },
    { key: 'action', title: '  action', width: 9, slot: actionSlot },
    { key: 'match', title: 'matches', width: match, slot },
    ...(name ? [{ key: 'name', title: 'name', width: name, slot: () => 'muted' as const }] : []),
    { key: 'number', title: 'filter', width: 8, align: 'right' as const, slot: () => 'muted' as const },
  ];
}

/** A row of the tree as cells. */
export function filterCells(row: FilterRow, selected: boolean): TableRow {
  const edge = selected ? '▌' : ' ';
  if (row.kind === 'layer')
    return {
      id: row.key,
      kind: 'layer',
      edge,
      action: row.folded ? '▸ layer' : 'layer',
      match: row.name,
      name: '',
      ...count(row.count),
    };
  if (row.kind === 'sublayer')
    return {
      id: row.key,
      kind: 'sublayer',
      edge,
      action: ' sublayer',
      match: `${row.name}, ${row.guessed ? 'weight not told' : `weight 0x${row.weight.toString(16)}`}`,
      name: '',
      ...count(row.count),
    };
  return {
    id: row.key,
    kind: 'filter',
    edge,
    action: `  ${actionWords(row.filter)}`,
    match: row.words,
    name: row.filter.displayData.name,
    number: String(row.filter.filterId),
  };
}

const count = (n: number) => ({ number: grouped(n) });

/** The engine's own objects: layers, sublayers by weight, filters by weight. Only visible rows become cells. */
export function FiltersTable({ table, height, width, painter }: FiltersTableProps) {
  const layout = useMemo(() => filterColumns(width), [width]);
  const { rows, index, top, head, room, empty } = table;
  const data = rows.slice(top, top + room).map((row, i) => filterCells(row, top + i === index));
  const title = layout
    .map(column => (column.align === 'right' ? column.title.padStart(column.width) : column.title.padEnd(column.width)))
    .join(' ');
  return (
    <Box height={height} flexDirection="column" overflow="hidden">
      {head.length > 0 && <Text wrap="truncate">{painter.paint(head, width) || ' '}</Text>}
      <Text wrap="truncate">{painter.paint([[title, 'muted']], width)}</Text>
      {rows.length === 0 ? (
        <Text wrap="truncate">{painter.paint([[`   ${empty}`, 'muted']], width)}</Text>
      ) : (
        <LiveTableView data={data} layout={layout} selected={index - top} painter={painter} />
      )}
    </Box>
  );
}
