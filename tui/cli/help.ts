import { COMMANDS, type CommandSpec } from './commands.ts';

/** `sallyport --help`. */
export function mainHelp(): string {
  const width = Math.max(...COMMANDS.map(c => c.name.length));
  return [
    'Sallyport holds the connections of programs until you answer; the answer becomes a permanent filter.',
    '',
    'Usage: sallyport [COMMAND] [OPTIONS]',
    '       sallyport                      a start screen, on a terminal',
    '',
    'Commands:',
    ...COMMANDS.map(c => `  ${c.name.padEnd(width)}  ${c.summary}`),
    '',
    'Examples:',
    '  sallyport lab                                     see it work in ten seconds',
    '  sallyport run -- npm ci                           guard one command and its children',
    '  sallyport run --default block --timeout 30 -- ./deploy.sh',
    '  sallyport rules add permit --app /usr/bin/curl --remote registry.example --port 443',
    "  sallyport explain wfpstate.xml 'chrome.exe -> 1.1.1.1:443/tcp'",
    '',
    'sallyport COMMAND --help tells the options of a command; --version the version.',
    'Exit codes: 0 done, 1 could not be done, 2 wrong usage.',
    'run exits with the code of its command (128+N when signal N ended it).',
    'SALLYPORT_HOME names the folder for settings, rules and history.',
    '',
  ].join('\n');
}

/** `sallyport COMMAND --help`. */
export function commandHelp(command: CommandSpec): string {
  const left = (o: CommandSpec['options'][number]) => `--${o.name}${o.value ? ` ${o.value}` : ''}`;
  const width = Math.max(0, ...command.options.map(o => left(o).length));
  return [
    `Usage: sallyport ${command.usage}`,
    '',
    `  ${command.summary}`,
    ...(command.details ? ['', ...command.details.map(d => `  sallyport ${d}`)] : []),
    ...(command.options.length ? ['', 'Options:', ...command.options.map(o => `  ${left(o).padEnd(width)}  ${o.summary}`)] : []),
    '',
    'Examples:',
    ...command.examples.map(e => `  ${e}`),
    '',
  ].join('\n');
}
