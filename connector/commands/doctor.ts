import type * as z from 'zod'
import { composeDoctor } from '../compose/compose-doctor.ts'
import { problemText } from '../config/config-problem.ts'
import type { Settings } from '../config/config-schema.ts'
import { connectorConfig } from '../config/connector-config.ts'
import { loadConfig, readConfig } from '../config/load-config.ts'
import { progressText } from '../inspect/doctor/check-progress.ts'
import type { DoctorParts } from '../inspect/doctor/doctor-parts.ts'
import { examine } from '../inspect/doctor/examine.ts'
import { describedFindings, exitCodeOf, type Finding, failed, ok, skipped } from '../inspect/doctor/finding.ts'
import { aclLines, aclsShape, neededAcls } from '../inspect/doctor/kafka/needed-acls.ts'
import { fieldsShape, type StreamSurvey, surveyStream } from '../inspect/doctor/survey-fields.ts'
import { systemClock } from '../runtime/clock.ts'
import { type CloseStack, closeStack } from '../runtime/close-stack.ts'
import type { ExitCode } from '../runtime/error-catalogue.ts'
import {
  type Command,
  type CommandArgs,
  type CommandParts,
  configOption,
  configSources,
  jsonOption,
  printOutput,
} from './command.ts'
import { selectedStreams, streamOption } from './command-resources.ts'
import { doctorShape, findingLines } from './output/finding-lines.ts'
import type { Screen } from './output/screen.ts'
import { elapsedText, showingProgress } from './output/shown-progress.ts'
import { table } from './output/text.ts'

export const doctor: Command = {
  name: 'doctor',
  summary: 'check everything that run needs, without affecting the streams',
  usage:
    'Checks the configuration, Polaris, Kafka (topics, permissions, and a trial transaction under its\n' +
    'own transactional id that publishes no record), the checkpoint store, and whether each stream can\n' +
    'open. From Polaris it reads two pages from the beginning, a live scan, and up to 20 pages of the\n' +
    'last day.\n' +
    'Prints for each check: ok, warning, failed or skipped, the details, and what to do; a failure that\n' +
    'several streams share only once; at the end, the names of what failed. Does not disturb running\n' +
    'replicas. Waits for Polaris as long as run does, and for the rest at most 12 seconds.\n' +
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
  outputs: { '--json': doctorShape, '--fields --json': fieldsShape, '--acls --json': aclsShape },
  run: async (args, parts) => {
    if (args.acls === true) return printAcls(args, parts)
    if (args.fields === true) return await printFields(args, parts)
    const findings = await diagnose(args, parts)
    const json: z.input<typeof doctorShape> = describedFindings(findings)
    const acls = lacksAcl(findings) ? [...aclsOf(args, parts).lines(), ''] : []
    printOutput(args, parts, { json, lines: () => [...acls, ...findingLines(findings, parts.screen)] })
    return exitCodeOf(findings)
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
  const text = (elapsedMs: number) => progressText(progress.inProgress(), elapsedMs)
  const found = await showingProgress(examined, { output: parts, text, clock })
  return [{ ...configuration, ...ok(detail) }, ...found]
}

function doctorOf(args: CommandArgs, settings: Settings, closing: CloseStack): DoctorParts {
  const config = connectorConfig(settings)
  return composeDoctor({ ...config, streams: selectedStreams(args, config.streams) }, systemClock, closing)
}

function printAcls(args: CommandArgs, parts: CommandParts): ExitCode {
  printOutput(args, parts, aclsOf(args, parts))
  return 0
}

/** All ACLs, also where a check names only the first that is missing: one round with the Kafka team is enough. */
function aclsOf(args: CommandArgs, parts: CommandParts) {
  const config = connectorConfig(loadConfig(configSources(args, parts)))
  const json = neededAcls({ ...config, streams: selectedStreams(args, config.streams) })
  return { json, lines: () => aclLines(json, config.kafka) }
}

/** A rejected login is no missing ACL: it fails the first check of Kafka. */
const lacksAcl = (findings: readonly Finding[]) =>
  findings.some(({ code, check }) => code === 'publish.unauthorized' && check !== 'kafka')

async function printFields(args: CommandArgs, parts: CommandParts): Promise<ExitCode> {
  await using closing = closeStack()
  const doctor = doctorOf(args, loadConfig(configSources(args, parts)), closing)
  const surveys: StreamSurvey[] = []
  const { clock } = doctor
  for (const stream of doctor.streams) {
    const { name } = stream.config
    const text = (elapsedMs: number) => `reading clients of stream ${name} ${elapsedText(elapsedMs)}`
    const survey = surveyStream(stream, clock, parts.stop)
    surveys.push(await showingProgress(survey, { output: parts, text, clock }))
  }
  const lines = () => surveys.flatMap((survey) => fieldLines(survey, parts.screen))
  printOutput(args, parts, { json: surveys, lines })
  return 0
}

/** The fields of the clients as a table, and settings for them. */
export function fieldLines(
  { stream, clients, fields, problem, settings }: StreamSurvey,
  { paint }: Pick<Screen, 'paint'>,
): string[] {
  const rows = fields.map(({ path, filled, of, types }) => {
    const share = `${Math.round((filled / of) * 100)} %`
    return [path, `${filled} of ${of}`, share, types.join(', ')]
  })
  return [
    `${paint('bold', `stream ${stream}`)}: ${clients} clients`,
    ...table([['FIELD', 'FILLED', '', 'TYPES'].map((name) => paint('bold', name)), ...rows]),
    ...(problem === null ? [] : ['', paint('yellow', problem)]),
    '',
    ...settings,
    '',
  ]
}
