import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import type { StreamReport } from '../../connector/telemetry/stream-status.ts'
import { type ConnectorProcess, connectorIn, type LogLine } from '../../test/support/connector-process.ts'

/** The stream's part of the connector's `/status`. */
export type ConnectorStatus = Partial<StreamReport>

/** Starts the built connector, in a process group of its own, so that Ctrl-C reaches the demo alone. */
export function startConnector(settings: Readonly<Record<string, string>>): ConnectorProcess {
  const main = new URL('../../dist/main.js', import.meta.url).pathname
  if (!existsSync(main)) throw new Error('the connector is not built: npm run build')
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [main, 'run'], { env: { PATH, HOME, ...settings }, detached: true })
  return connectorIn(child, () => void child.kill('SIGKILL'))
}

/** Returns the log lines since the last call, and writes everything that the connector has written to `logFile`. */
export function followed(connector: ConnectorProcess, logFile: string): () => readonly LogLine[] {
  const seen = { lines: 0, characters: 0 }
  writeFileSync(logFile, '')
  return () => {
    const lines = connector.lines()
    const output = connector.output()
    const fresh = lines.slice(seen.lines)
    if (output.length > seen.characters) appendFileSync(logFile, output.slice(seen.characters))
    Object.assign(seen, { lines: lines.length, characters: output.length })
    return fresh
  }
}

/** Undefined if the connector does not answer. */
export async function statusOf(connector: ConnectorProcess): Promise<ConnectorStatus | undefined> {
  try {
    return (JSON.parse((await connector.get('/status')).body) as { streams: ConnectorStatus[] }).streams[0]
  } catch {
    return undefined
  }
}
