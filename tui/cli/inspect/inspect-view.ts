import type { Machine } from '../../../engine/explain/machine.ts';
import { renderInspector } from '../../inspect/inspector.tsx';
import { loadSettings, paths } from '../settings/settings.ts';
import type { InspectIo } from './io.ts';

/** The views of `inspect`, drawn as the settings say. Changes nothing on disk. */
export async function inspectView(machine: Machine, io: InspectIo): Promise<void> {
  const { settings } = loadSettings(paths(io.env));
  const { theme, ascii, keys } = settings;
  const inspector = renderInspector({
    machine,
    stdin: io.stdin as NodeJS.ReadStream,
    stdout: io.stdout as NodeJS.WriteStream,
    env: io.env,
    settings: { theme, keys, ...(ascii === 'auto' ? {} : { ascii: ascii === 'on' }) },
  });
  await inspector.waitUntilExit();
}
