import type { WriteStream } from 'node:tty'

/** Lines that scroll, above a status of a few lines that stays in place. */
export interface Screen {
  /** Prints a line above the status; a long line wraps. */
  say(line: string): void
  /** Like `say`, but cuts a long line. */
  row(line: string): void
  /** Replaces the status. Without a terminal, prints the lines if `plain` is `print`. */
  status(lines: readonly string[], plain: 'print' | 'skip'): void
  /** Restores the cursor. */
  close(): void
}

/** A terminal that supports escape sequences shows a fixed status; any other output is plain lines. */
export function openScreen(out: WriteStream, environment: Readonly<Record<string, string | undefined>>): Screen {
  const isPlain = !out.isTTY || environment.NO_COLOR !== undefined || environment.TERM === 'dumb'
  return isPlain ? plainLines(out) : terminal(out)
}

function plainLines(out: WriteStream): Screen {
  return {
    say: (line) => out.write(`${line}\n`),
    row: (line) => out.write(`${line}\n`),
    status: (lines, plain) => {
      if (plain === 'print') out.write(lines.map((line) => `${line}\n`).join(''))
    },
    close: () => {},
  }
}

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const CLEAR_BELOW = '\x1b[0J'
const DIM = '\x1b[2m'
const BOLD = '\x1b[1m'
const PLAIN = '\x1b[0m'

function terminal(out: WriteStream): Screen {
  let shown: readonly string[] = []
  const width = () => Math.max(20, out.columns || 80)
  const back = () => (shown.length === 0 ? '' : `\x1b[${shown.length}F${CLEAR_BELOW}`)
  const cut = (line: string) => (line.length < width() ? line : `${line.slice(0, width() - 2)}…`)
  const drawn = () => shown.map((line, at) => `${at === 0 ? DIM : BOLD}${line}${PLAIN}\n`).join('')
  // Cut lines never wrap, so the status occupies one row per line.
  const fitted = (lines: readonly string[]) => (lines.length === 0 ? [] : ['─'.repeat(width() - 1), ...lines.map(cut)])
  out.write(HIDE_CURSOR)
  return {
    say: (line) => out.write(`${back()}${line}\n${drawn()}`),
    row: (line) => out.write(`${back()}${cut(line)}\n${drawn()}`),
    status: (lines) => {
      const before = back()
      shown = fitted(lines)
      out.write(`${before}${drawn()}`)
    },
    close: () => out.write(SHOW_CURSOR),
  }
}
