import { composeStream, oneShotReopening, replicaName, surroundings, withoutPlacement } from '../compose.ts'
import { connectorConfig } from '../config/connector-config.ts'
import { loadConfig } from '../config/load-config.ts'
import { runStream } from '../pipeline/run-stream.ts'
import { systemClock } from '../runtime/clock.ts'
import { closeStack } from '../runtime/close-stack.ts'
import { codeOf } from '../runtime/connector-error.ts'
import { errorCatalogue } from '../runtime/error-catalogue.ts'
import { graceAfter } from '../runtime/grace.ts'
import { telemetry } from '../telemetry/telemetry.ts'
import { type Command, configOption, optionText } from './command.ts'

export const pollOnce: Command = {
  name: 'poll-once',
  summary: 'do one drain of every stream, then end',
  usage:
    'Opens each stream (which fences a running connector, whatever the placement), copies until the server has no more results, saves, and ends. Serves no endpoints.\n' +
    'Without Kafka it gives up after about a quarter of a minute, and tries no other stream.\n' +
    'Exit code: 0 done or stopped, 2 configuration or request wrong, 3 surroundings missing.',
  options: configOption,
  run: async (args, { environment, readFile, stop, version }) => {
    const config = connectorConfig(loadConfig({ file: optionText(args, 'config'), environment, readFile }))
    await using closing = closeStack()
    const replica = replicaName()
    const { connector, logLevel: level, http } = config
    const told = telemetry({
      connector,
      replica,
      version,
      level,
      placement: 'single',
      out: process.stdout,
      clock: systemClock,
      readyAfterMs: http.readyAfterMs,
    })
    const around = surroundings(
      config,
      { clock: systemClock, replica, kafkaLog: told.libraryLog('kafkajs'), onStoreRetry: told.storeRetried },
      closing,
    )
    const grace = closing.use(graceAfter(stop, config.finishWithinMs, systemClock), (opened) =>
      opened[Symbol.dispose](),
    )
    let exitCode = 0
    for (const stream of config.streams) {
      const observe = told.observe(stream.name, { pollIntervalMs: stream.poll.intervalMs })
      const composed = composeStream(stream, around, {
        ...withoutPlacement,
        until: 'one-drain',
        reopening: oneShotReopening,
        giveUp: grace.signal,
        observe,
      })
      closing.use(composed, (opened) => opened.closing.close())
      const end = await runStream(composed, stop)
      if (end.kind !== 'failed' && end.kind !== 'lost') continue
      const code = codeOf(end.error)
      exitCode = Math.max(exitCode, errorCatalogue[code].exit)
      // The streams have their brokers in common: what one has waited for in vain, the next would too.
      if (code === 'publish.unreachable') break
    }
    return exitCode
  },
}
