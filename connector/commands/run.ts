import { runConnector } from '../compose/run-connector.ts'
import { openSharedResources, replicaName } from '../compose/shared-resources.ts'
import { connectorConfig } from '../config/connector-config.ts'
import { loadConfig } from '../config/load-config.ts'
import { systemClock } from '../runtime/clock.ts'
import { closeStack } from '../runtime/close-stack.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { errorCatalogue, highestExit } from '../runtime/error-catalogue.ts'
import type { StreamEnd } from '../stream/next-step.ts'
import { createTelemetry } from '../telemetry/telemetry.ts'
import { configSources, type RunCommand } from './command.ts'
import { printableText } from './shown-lines.ts'

export const run: RunCommand = async (args, parts) => {
  const { stop, version } = parts
  const isEnding = args['until-caught-up'] === true
  const { settings, warnings } = loadConfig(configSources(args, parts))
  const configured = connectorConfig(settings)
  const config = isEnding ? { ...configured, placement: { mode: 'single' as const } } : configured
  const clock = systemClock
  const replica = replicaName()
  await using closing = closeStack()
  const telemetry = createTelemetry({
    connector: config.connector,
    replica,
    version,
    level: config.log.level,
    out: { write: (line) => process.stdout.write(printableText(line)) },
    clock,
    placement: config.placement.mode,
    readyAfterMs: config.readyAfterMs,
  })
  const resourceParts = { clock, replica, onStoreRetry: telemetry.logStoreRetry }
  const shared = openSharedResources(config, resourceParts, closing)
  const listening = await telemetry.listen(config.http.port, stop)
  const { port } = closing.use(listening, (opened) => opened.close())
  for (const { place: variable, what } of warnings)
    telemetry.log('warn', 'variable is probably misspelled', { variable, reason: what })
  telemetry.log('info', 'connector started', { streams: config.streams.map(({ name }) => name), port })
  stop.addEventListener('abort', () => telemetry.setReplicaState('stopping'), { once: true })
  const byStream = await runConnector(shared, { telemetry, endsWhen: isEnding ? 'caught-up' : 'stopped' }, stop)
  const ends = [...byStream].map(([stream, end]) => ({ stream, end: end.kind, code: codeIn(end) }))
  if (isEnding) for (const end of ends) telemetry.log('info', 'run ended', end)
  telemetry.log('info', 'connector stopped', {})
  return {
    exit: isEnding ? highestExit(ends.map(({ code }) => (code === undefined ? 0 : errorCatalogue[code].exit))) : 0,
  }
}

const codeIn = (end: StreamEnd) => ('error' in end ? codeOf(end.error) : undefined)
