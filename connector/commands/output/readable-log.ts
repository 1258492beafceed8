import type { LogFields, LogLevel } from '../../telemetry/logger.ts'
import { type Colour, escaped, printable, type Screen, screenOf } from './screen.ts'
import { wrappedText } from './text.ts'

type Out = { write(text: string): unknown }
type LogRecord = LogFields & { readonly level: LogLevel; readonly time: string; readonly msg: string }

/** Where the log is written: as it is for JSON lines. */
export function logOutput(format: 'auto' | 'json' | 'text', stream: NodeJS.WriteStream): Out {
  const screen = screenOf(stream)
  const out: Out = { write: (text) => stream.write(printable(text)) }
  return format === 'text' || (format === 'auto' && screen.isTerminal) ? readableLog(out, screen) : out
}

/** Turns each JSON line of the log into text. Shows connector, replica and version only once. */
export function readableLog(out: Out, screen: Screen): Out {
  let isFirst = true
  return {
    write: (line) => {
      const { connector, replica, version, ...record } = JSON.parse(line) as LogRecord
      const shown = isFirst ? { ...record, connector, replica, version } : record
      isFirst = false
      out.write(`${recordLines(shown, screen).join('\n')}\n`)
    },
  }
}

const colours: Readonly<Record<LogLevel, Colour>> = {
  error: 'red',
  warn: 'yellow',
  info: 'green',
  debug: 'gray',
  trace: 'gray',
}
const INDENT = '    '

/** Words stand beside the message, sentences below it. */
function recordLines({ level, time, msg, ...fields }: LogRecord, { paint, width }: Screen): string[] {
  const values = Object.entries(fields)
    .map(([name, value]) => [name, textsOf(value)] as const)
    .filter(([, texts]) => texts.length > 0)
  const words = values.filter(([, texts]) => texts.every(isWord)).map(([name, texts]) => `${name}=${texts.join(',')}`)
  const sentences = values.filter(([, texts]) => !texts.every(isWord))
  const head = `${time} ${level.toUpperCase().padEnd(5)}  ${msg}`
  const beside = words.join(' ')
  const fits = head.length + 2 + beside.length <= width
  const painted = `${paint('gray', time)} ${paint(colours[level], level.toUpperCase().padEnd(5))}  ${paint('bold', msg)}`
  return [
    fits && beside !== '' ? `${painted}  ${paint('gray', beside)}` : painted,
    ...(fits ? [] : wrappedText(beside, width - INDENT.length).map((line) => INDENT + paint('gray', line))),
    ...sentences.flatMap(([name, texts]) => texts.flatMap((text) => sentenceLines(`${name}: ${text}`, width))),
  ]
}

function sentenceLines(text: string, width: number): string[] {
  return wrappedText(text, width - 2 * INDENT.length).map((line, at) => (at === 0 ? INDENT : INDENT + INDENT) + line)
}

function textsOf(value: LogFields[string]): string[] {
  return [value].flat().map((item) => escaped(String(item)))
}

const isWord = (text: string) => text !== '' && !text.includes(' ')
