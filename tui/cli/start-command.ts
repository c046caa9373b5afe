import type { CommandContext } from './commands.ts';
import { EXIT } from './exit.ts';
import { mainHelp } from './help.ts';
import { canDraw } from './terminal.ts';

/** `sallyport` alone: a start screen on a terminal, the help elsewhere. */
export async function startCommand(context: CommandContext): Promise<number> {
  const { stdin, stdout, env } = context;
  if (!canDraw(stdin, stdout, env)) {
    stdout.write(mainHelp());
    return EXIT.ok;
  }
  const [{ startScreen }, { preparePaths }, { appSettings }] = await Promise.all([
    import('../start-screen.tsx'),
    import('./prepare.ts'),
    import('./run/screen-mode.ts'),
  ]);
  const { settings } = preparePaths(context);
  const choice = await startScreen({ stdin, stdout, env, settings: appSettings(settings) });
  switch (choice.kind) {
    case 'quit':
      return EXIT.ok;
    case 'run':
      return (await import('./run/run-command.ts')).runCommand({ ...context, args: ['--', ...choice.command] });
    case 'guard':
      return (await import('./run/guard-command.ts')).guardCommand(context);
    case 'lab':
      return (await import('./run/lab-command.ts')).labCommandMain(context);
    case 'doctor':
      return (await import('./doctor-command.ts')).doctorCommand(context);
    default:
      return (await import('./browse-command.ts')).browse(context, choice.kind);
  }
}
