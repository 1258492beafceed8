import { composeDoctor } from '../compose/compose-doctor.ts'
import { problemText } from '../config/config-problem.ts'
import { connectorConfig } from '../config/connector-config.ts'
import { loadConfig, readConfig } from '../config/load-config.ts'
import { examine } from '../inspect/doctor/examine.ts'
import { type Finding, failed, ok } from '../inspect/doctor/finding.ts'
import { aclLines } from '../inspect/doctor/needed-acls.ts'
import { systemClock as clock } from '../runtime/clock.ts'
import { closeStack } from '../runtime/close-stack.ts'
import {
  type Answer,
  type Command,
  type CommandArgs,
  type CommandParts,
  configOption,
  configSources,
  jsonOption,
} from './command.ts'
import { selectedStreams } from './command-resources.ts'
import { showingProgress } from './output/shown-progress.ts'

export const doctor: Command = {
  name: 'doctor',
  summary: 'check everything that run needs, without affecting the streams',
  usage:
    'Checks the configuration, Polaris, Kafka (topics, permissions, a trial transaction), the\n' +
    'checkpoint store, and whether each stream can open. From Polaris it reads two pages from the\n' +
    'beginning, and up to 20 pages of the last day.\n' +
    'Prints a verdict for each check, and what to do. Does not disturb running replicas.\n' +
    'With --acls, or if one is missing, prints the commands that add all Kafka ACLs that this\n' +
    'configuration needs. With --acls, connects to nothing.',
  takesStream: true,
  options: {
    ...configOption,
    acls: { type: 'boolean', description: 'print all Kafka ACLs that are needed, as commands' },
    ...jsonOption,
  },
  examples: ['doctor --config connector.yaml', 'doctor --config connector.yaml --acls'],
  run: async (args, parts) => {
    if (args.acls === true) return { exit: 0, value: aclLines(selected(args, parts)) }
    const loaded = readConfig(configSources(args, parts))
    if (loaded.kind === 'valid') return await diagnose(args, parts)
    const problems = loaded.problems.map((problem) => ({
      ...configuration,
      ...failed('config.invalid', problemText(problem), 'correct this setting'),
    }))
    return { exit: 2, value: { healthy: false, findings: problems } }
  },
}

const configuration = { stream: null, check: 'configuration' } as const

function selected(args: CommandArgs, parts: CommandParts) {
  const config = connectorConfig(loadConfig(configSources(args, parts)))
  return { ...config, streams: selectedStreams(args, config.streams) }
}

async function diagnose(args: CommandArgs, parts: CommandParts): Promise<Answer> {
  const config = selected(args, parts)
  const names = config.streams.map(({ name }) => name).join(', ')
  await using closing = closeStack()
  const examined = examine(composeDoctor(config, clock, closing), parts.stop)
  const found = await showingProgress(examined, { output: parts, text: () => `checking ${names}`, clock })
  const findings: Finding[] = [{ ...configuration, ...ok(`connector ${config.connector}, ${names}`) }, ...found]
  const healthy = findings.every(({ verdict }) => verdict !== 'failed')
  return { exit: healthy ? 0 : 1, value: { healthy, findings, acls: lacksAcl(found) ? aclLines(config) : undefined } }
}

/** A rejected login is no missing ACL: it fails the first check of Kafka. */
const lacksAcl = (findings: readonly Finding[]) =>
  findings.some(({ code, check }) => code === 'publish.unauthorized' && check !== 'kafka')
