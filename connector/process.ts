import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { runCli } from './cli.ts'
import { commandList } from './commands/command-list.ts'
import { printableText, progressOn } from './commands/shown-lines.ts'
import { stopOnSignals } from './runtime/shutdown.ts'
import { defectLine } from './telemetry/error-fields.ts'

const readFile = (name: string | URL) => readFileSync(name, 'utf8')
// Text of a server may be in each line.
const printError = (line: string) => process.stderr.write(`${printableText(line)}\n`)

function exitOnDefect(error: unknown) {
  printError(`polaris-connector: ${defectLine(error)}`)
  process.exit(1)
}

process.on('uncaughtException', exitOnDefect)
process.on('unhandledRejection', exitOnDefect)
// A closed pipe (`| head`) must not stop the connector.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {})

/** Exits although kafkajs may still retry on broken connections for seconds; everything else is closed. */
function exitAfterFlush(code: number) {
  process.exitCode = code
  process.stdout.write('', () => process.exit())
}

const { version } = JSON.parse(readFile(new URL('../package.json', import.meta.url))) as { version: string }
const shutdown = stopOnSignals(process, (code) => process.exit(code))
try {
  const code = await runCli(process.argv.slice(2), commandList, {
    environment: process.env,
    readFile,
    print: (line) => process.stdout.write(`${line}\n`),
    printError,
    showProgress: (text) => progressOn(process.stderr, text),
    readInput: () => text(process.stdin),
    stop: shutdown.stop,
    version,
  })
  exitAfterFlush(code)
} catch (error) {
  exitOnDefect(error)
} finally {
  shutdown[Symbol.dispose]()
}
