import { endField, typeField } from '../inspect/trace-keys.ts';
import { type Command, commandInfo } from '../keys/commands.ts';
import { type KeyPress, VerdictGate } from '../keys/read-keys.ts';
import { selectable } from '../select/select-inbox.ts';
import { clean } from '../text/clean.ts';
import { paletteCommands, perform } from './perform.ts';
import type { Store } from './store.ts';

const LONGEST = 200;

/** Commands whose names hold what was typed, those that begin with it first. */
export function completions(store: Store, text: string): readonly Command[] {
  const wanted = text.trim().toLowerCase();
  const all = paletteCommands(store);
  return [
    ...all.filter(name => name.startsWith(wanted)),
    ...all.filter(name => !name.startsWith(wanted) && name.includes(wanted)),
  ];
}

/** Takes key presses and pastes to where they belong: text to what is being typed, commands to what they do. */
export class KeyHandler {
  readonly #store: Store;
  readonly #gate = new VerdictGate();

  constructor(store: Store) {
    this.#store = store;
  }

  press(press: KeyPress) {
    const store = this.#store;
    const { mode } = store;
    const command = store.keymap.command(mode, press.name);
    if (mode === 'entry') return this.#type(press, command);
    if (command === undefined) return;
    if (commandInfo(command).verdict) {
      const refused = this.#gate.refuse(press, store.now());
      if (refused) return store.say(refused, 'warning');
    }
    if (!store.quitting) store.quiet();
    perform(store, command);
  }

  /** A paste is text where text is typed, and nothing anywhere else: it never answers. */
  paste(text: string): void {
    if (this.#store.mode === 'entry') this.#setText(this.#text() + clean(text.replace(/\s+/g, ' ')));
    else this.#store.say('Pasted text is not taken for keys: nothing was done.');
  }

  #text(): string {
    const { context } = this.#store.shell.getSnapshot();
    const { entry } = this.#store;
    if (entry === 'field') return this.#store.typing?.text ?? '';
    return entry === 'note' ? this.#store.note : entry === 'palette' ? context.command : context.filters[context.view];
  }

  #setText(text: string) {
    const store = this.#store;
    const short = text.slice(0, LONGEST);
    if (store.entry === 'field') return typeField(store, short);
    if (store.entry === 'note') {
      store.note = short;
      return store.changed();
    }
    store.choice = 0;
    store.shell.send({ type: store.entry === 'palette' ? 'command.changed' : 'filter.changed', text: short });
    if (store.entry === 'filter' && store.view === 'inbox') this.#keepSelectionInSight();
  }

  /** The selected request is always one that is seen. */
  #keepSelectionInSight(): void {
    const ids = selectable(this.#store.inboxRows);
    if (ids.length > 0 && !ids.includes(this.#store.selected ?? -1)) this.#store.prompt.send({ type: 'select.to', id: ids[0]! });
  }

  #type(press: KeyPress, command: Command | undefined) {
    const store = this.#store;
    switch (command) {
      case 'accept':
        return this.#accept();
      case 'cancel':
        if (store.entry === 'field') endField(store, false);
        else if (store.entry === 'note') store.shell.send({ type: 'overlay.close' });
        else store.shell.send({ type: store.entry === 'palette' ? 'command.cancel' : 'filter.cancel' });
        return;
      case 'complete': {
        const chosen = completions(store, this.#text())[store.choice];
        if (store.entry === 'palette' && chosen) this.#setText(chosen);
        return;
      }
      case 'choice-down':
      case 'choice-up':
        if (store.entry !== 'palette') return;
        store.choice = Math.max(
          0,
          Math.min(completions(store, this.#text()).length - 1, store.choice + (command === 'choice-down' ? 1 : -1)),
        );
        return store.changed();
      case 'erase-char':
        return this.#setText([...this.#text()].slice(0, -1).join(''));
      case 'erase-all':
        return this.#setText('');
      case undefined:
        break;
      default:
        return perform(store, command);
    }
    const char = press.name === 'space' ? ' ' : press.name;
    if ([...char].length === 1) this.#setText(this.#text() + clean(char));
  }

  #accept() {
    const store = this.#store;
    if (store.entry === 'field') return endField(store, true);
    if (store.entry === 'note') {
      const id = store.overlay?.about;
      store.shell.send({ type: 'overlay.close' });
      if (id) void store.send({ type: 'rule.edit', id, note: store.note.trim() }, 'The note is kept with the rule.');
      return;
    }
    if (store.entry === 'filter') return store.shell.send({ type: 'filter.accept' });
    const text = this.#text();
    const chosen = completions(store, text)[store.choice];
    store.shell.send({ type: 'command.cancel' });
    if (text.trim() === '') return;
    if (chosen) perform(store, chosen);
    else store.say(`There is no command "${text.trim()}" here. Press : and Tab to see them.`, 'warning');
  }
}
