// Shell lines of a script. They are never executed: what they set of the kernel is read out of them.

export interface Setting {
  /** With dots: `net.ipv4.tcp_sack`. */
  readonly name: string;
  readonly value: string;
}

export interface ShellLine {
  readonly settings: readonly Setting[];
  /** Commands that set nothing that is known here. */
  readonly others: readonly string[];
  /** Whether the file of defaults that Linux's scripts share is among them. */
  readonly linuxDefaults: boolean;
}

/** `key=value`, the value perhaps in quotes. */
const ASSIGNMENT = /([a-z][\w./-]*)\s*=\s*("[^"]*"|'[^']*'|\$\(\([^)]*\)\)|[^\s;&|]*)/gi;
const WRITE_TO_PROC = /^echo\s+(.*?)\s*>\s*\/proc\/sys\/(\S+)/;
const DEFAULTS = /(^|[\s/])defaults\.sh$/;
/** Puts settings back, or says what they are: nothing to do. */
const WITHOUT_EFFECT = [/^\/tmp\/sysctl_restore_/, /^(\.\/|\.\.\/common\/)?restore_sysctls/, /^true$/];

export function readShell(text: string): ShellLine {
  const settings: Setting[] = [];
  const others: string[] = [];
  let linuxDefaults = false;
  for (const command of commands(text)) {
    if (DEFAULTS.test(command)) linuxDefaults = true;
    else if (WITHOUT_EFFECT.some((pattern) => pattern.test(command))) continue;
    else {
      const found = settingsOf(command);
      settings.push(...found);
      if (found.length === 0) others.push(command);
    }
  }
  return { settings, others, linuxDefaults };
}

function commands(text: string): string[] {
  return text
    .replaceAll(/\\\n/g, ' ')
    .split(/\n|;|&&/)
    .map((command) => command.trim().replaceAll(/\s+/g, ' '))
    .filter((command) => command !== '' && !command.startsWith('#'));
}

function settingsOf(command: string): Setting[] {
  const [, written, file] = WRITE_TO_PROC.exec(command) ?? [];
  if (file !== undefined && written !== undefined) return [{ name: dotted(file), value: unquoted(written) }];
  if (!/^(\S*\/)?sysctl\b|set_sysctls/.test(command)) return [];
  return [...command.matchAll(ASSIGNMENT)].map(([, name, value]) => ({
    name: dotted(name!.replace(/^\/?proc\/sys\//, '')),
    value: unquoted(value!),
  }));
}

function dotted(name: string): string {
  return name.replaceAll('/', '.').replace(/^\.?(proc\.sys\.)?/, '');
}

function unquoted(value: string): string {
  return value.trim().replaceAll(/^["']|["']$/g, '');
}
