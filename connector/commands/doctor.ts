import { composeDoctor } from '../compose/compose-doctor.ts'
import { problemText } from '../config/config-problem.ts'
import type { Settings } from '../config/config-schema.ts'
import { connectorConfig } from '../config/connector-config.ts'
import { loadConfig, readConfig } from '../config/load-config.ts'
import { progressText } from '../inspect/doctor/check-progress.ts'
import type { DoctorParts } from '../inspect/doctor/doctor-parts.ts'
import { examine } from '../inspect/doctor/examine.ts'
import { exitCodeOf, type Finding, failed, ok, skipped } from '../inspect/doctor/finding.ts'
import { aclLines, neededAcls } from '../inspect/doctor/kafka/needed-acls.ts'
import { type StreamSurvey, surveyStream } from '../inspect/doctor/survey-fields.ts'
import { systemClock } from '../runtime/clock.ts'
import { type CloseStack, closeStack } from '../runtime/close-stack.ts'
import {
  type Command,
  type CommandArgs,
  type CommandParts,
  configOption,
  configSources,
  jsonOption,
} from './command.ts'
import { selectedStreams, streamOption } from './command-resources.ts'
import { showingProgress } from './output/shown-progress.ts'

export const doctor: Command = {
  name: 'doctor',
  summary: 'check everything that run needs, without affecting the streams',
  usage:
    'Checks the configuration, Polaris, Kafka (topics, permissions, and a trial transaction under its\n' +
    'own transactional id that publishes no record), the checkpoint store, and whether each stream can\n' +
    'open. From Polaris it reads two pages from the beginning, a live scan, and up to 20 pages of the\n' +
    'last day.\n' +
    'Prints for each check: ok, warning, failed or skipped, the details, and what to do. Does not\n' +
    'disturb running replicas. Waits for Polaris as long as run does, and for the rest at most\n' +
    '12 seconds.\n' +
    'With --fields, prints the fields of the clients instead: how many clients fill each one, the types\n' +
    'of its values, and the settings for them; never a value.\n' +
    'With --acls, connects to nothing, and prints the commands that add all Kafka ACLs that this\n' +
    'configuration needs.',
  options: {
    ...configOption,
    stream: { ...streamOption.stream, description: 'check only this stream' },
    'compare-outputs': { type: 'boolean', description: 'read the first page as XML and as JSON, and compare' },
    fields: { type: 'boolean', description: 'print the fields of the clients, and settings for them' },
    acls: { type: 'boolean', description: 'print all Kafka ACLs that are needed, as commands' },
    ...jsonOption,
  },
  examples: [
    'doctor --config connector.yaml',
    'doctor --config connector.yaml --stream lyon --fields',
    'doctor --config connector.yaml --acls',
  ],
  run: async (args, parts) => {
    if (args.acls === true) return { exit: 0, value: aclsOf(args, parts) }
    if (args.fields === true) return { exit: 0, value: await surveys(args, parts) }
    const findings = await diagnose(args, parts)
    const acls = lacksAcl(findings) ? aclsOf(args, parts) : undefined
    const exit = exitCodeOf(findings)
    return { exit, value: { healthy: exit === 0, findings, acls } }
  },
}

const configuration = { stream: null, check: 'configuration' } as const

async function diagnose(args: CommandArgs, parts: CommandParts): Promise<Finding[]> {
  const loaded = readConfig(configSources(args, parts))
  if (loaded.kind === 'invalid') {
    const problems = loaded.problems.map((problem) =>
      failed('config.invalid', problemText(problem), 'correct this setting'),
    )
    const rest = { stream: null, check: 'all other checks', ...skipped('requires a valid configuration') }
    return [...problems.map((problem) => ({ ...configuration, ...problem })), rest]
  }
  await using closing = closeStack()
  const doctor = doctorOf(args, loaded.settings, closing)
  const { connector, streams } = doctor.config
  const detail = `connector ${connector}, ${streams.map((stream) => stream.name).join(', ')}`
  const examined = examine(doctor, { comparesOutputs: args['compare-outputs'] === true }, parts.stop)
  const { clock, progress } = doctor
  const text = () => progressText(progress.inProgress())
  const found = await showingProgress(examined, { output: parts, text, clock })
  return [{ ...configuration, ...ok(detail) }, ...found]
}

function doctorOf(args: CommandArgs, settings: Settings, closing: CloseStack): DoctorParts {
  const config = connectorConfig(settings)
  return composeDoctor({ ...config, streams: selectedStreams(args, config.streams) }, systemClock, closing)
}

/** All ACLs, also where a check names only the first that is missing: one round with the Kafka team is enough. */
function aclsOf(args: CommandArgs, parts: CommandParts): readonly string[] {
  const config = connectorConfig(loadConfig(configSources(args, parts)))
  return aclLines(neededAcls({ ...config, streams: selectedStreams(args, config.streams) }), config.kafka)
}

/** A rejected login is no missing ACL: it fails the first check of Kafka. */
const lacksAcl = (findings: readonly Finding[]) =>
  findings.some(({ code, check }) => code === 'publish.unauthorized' && check !== 'kafka')

async function surveys(args: CommandArgs, parts: CommandParts): Promise<StreamSurvey[]> {
  await using closing = closeStack()
  const doctor = doctorOf(args, loadConfig(configSources(args, parts)), closing)
  const surveyed: StreamSurvey[] = []
  const { clock } = doctor
  for (const stream of doctor.streams) {
    const text = () => `reading clients of stream ${stream.config.name}`
    surveyed.push(await showingProgress(surveyStream(stream, clock, parts.stop), { output: parts, text, clock }))
  }
  return surveyed
}
