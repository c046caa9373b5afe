import { Box, Text, useApp, useInput, usePaste } from 'ink';
import { type ComponentType, memo, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { readKeys } from '../keys/read-keys.ts';
import { KeyHandler } from '../state/handle-keys.ts';
import type { Store } from '../state/store.ts';
import type { Painter } from '../text/paint.ts';
import type { FiltersTableProps } from './filters-table.tsx';
import { buildFrame, type Frame } from './frame.ts';
import type { DrawnLine } from './layout.ts';

/** One line; drawn again only when its bytes changed. An empty text has no height, so a blank line holds a blank. */
const Row = memo(({ text }: { readonly text: string }) => <Text wrap="truncate">{text === '' ? ' ' : text}</Text>);

interface RowsProps {
  readonly lines: readonly DrawnLine[];
  readonly columns: number;
  readonly painter: Painter;
}

function Rows({ lines, columns, painter }: RowsProps) {
  // Lines have no identity but their place on the screen.
  return lines.map(({ line, selected }, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the place is the identity
    <Row key={i} text={painter.paint(line, columns, selected ? 'selected' : undefined)} />
  ));
}

/** The filters' table brings ink-table with it; it is loaded when it is first looked at. */
function LazyFilters(props: FiltersTableProps) {
  const [Table, setTable] = useState<ComponentType<FiltersTableProps>>();
  useEffect(() => {
    let here = true;
    void import('./filters-table.tsx').then(module => here && setTable(() => module.FiltersTable));
    return () => {
      here = false;
    };
  }, []);
  return Table ? <Table {...props} /> : <Box height={props.height} />;
}

interface FrameViewProps {
  readonly frame: Frame;
  readonly size: { readonly columns: number; readonly rows: number };
  readonly painter: Painter;
}

/** Draws a frame. */
export function FrameView({ frame, size: { columns, rows }, painter }: FrameViewProps) {
  const drawn = (lines: readonly DrawnLine[]) => <Rows lines={lines} columns={columns} painter={painter} />;
  return (
    <Box flexDirection="column" width={columns} height={rows} overflow="hidden">
      {drawn(frame.top)}
      {'rows' in frame.body ? (
        <LazyFilters
          table={frame.body}
          height={rows - frame.top.length - frame.bottom.length}
          width={columns}
          painter={painter}
        />
      ) : (
        drawn(frame.body)
      )}
      {drawn(frame.bottom)}
    </Box>
  );
}

/** The whole screen. Holds no state of its own: it draws the store and hands it what is typed. */
export function Screen({ store }: { readonly store: Store }) {
  useSyncExternalStore(store.subscribe, () => store.version);
  const app = useApp();
  const keys = useMemo(() => new KeyHandler(store), [store]);
  useEffect(() => {
    store.terminal = {
      ...store.terminal,
      exit: () => app.exit(),
      suspend: () => {
        if (process.platform === 'win32') return store.say('This system cannot suspend a program.');
        void app.suspendTerminal(() => {
          process.kill(process.pid, 'SIGTSTP');
        });
      },
    };
  }, [app, store]);
  useInput((input, key) => {
    for (const press of readKeys(input, key)) keys.press(press);
  });
  usePaste(text => keys.paste(text));
  return <FrameView frame={buildFrame(store)} size={store.size} painter={store.painter} />;
}
