import { composeDoctor } from '../compose-doctor.ts'
import { problemText } from '../config/config-problem.ts'
import { connectorConfig } from '../config/connector-config.ts'
import { readConfig } from '../config/load-config.ts'
import { describedFindings, exitCodeOf, findingLines } from '../doctor/describe-findings.ts'
import { examine } from '../doctor/examine.ts'
import { type Finding, failed, ok, skipped } from '../doctor/finding.ts'
import { systemClock } from '../runtime/clock.ts'
import { closeStack } from '../runtime/close-stack.ts'
import { invalidRequest, streamOption } from './chosen-stream.ts'
import { type Command, type CommandArgs, type CommandParts, configOption, optionText } from './command.ts'

export const doctor: Command = {
  name: 'doctor',
  summary: 'check everything that run needs, and move nothing',
  usage:
    'Checks the configuration, one page from Polaris, Kafka (topics, rights, a transaction under an id of its own that commits no record),\n' +
    'the checkpoint store, and whether each stream would open. A line each: ok, warning, failed or skipped, what was seen, and the cure.\n' +
    'Running replicas are not disturbed. Takes a quarter of a minute at most.\n' +
    'Exit code: 0 nothing failed, 2 configuration, 3 surroundings.',
  options: { ...configOption, ...streamOption, json: { type: 'boolean', description: 'print JSON' } },
  run: async (args, parts) => {
    const findings = await diagnose(args, parts)
    if (args.json === true) parts.print(JSON.stringify(describedFindings(findings), undefined, 2))
    else for (const line of findingLines(findings)) parts.print(line)
    return exitCodeOf(findings)
  },
}

const configuration = { stream: null, check: 'configuration' } as const

async function diagnose(args: CommandArgs, { environment, readFile, stop }: CommandParts): Promise<Finding[]> {
  const loaded = readConfig({ file: optionText(args, 'config'), environment, readFile })
  if (loaded.kind === 'invalid') {
    const problems = loaded.problems.map((problem) => failed('config.invalid', problemText(problem), 'correct it'))
    const rest = { stream: null, check: 'all else', ...skipped('a valid configuration is needed') }
    return [...problems.map((problem) => ({ ...configuration, ...problem })), rest]
  }
  const config = connectorConfig(loaded.settings)
  const name = optionText(args, 'stream')
  const streams = config.streams.filter((stream) => name === undefined || stream.name === name)
  if (streams.length === 0) throw invalidRequest('--stream: there is no stream of this name')
  await using closing = closeStack()
  const seen = `connector ${config.connector}, ${streams.map((stream) => stream.name).join(', ')}`
  const found = await examine(composeDoctor({ ...config, streams }, systemClock, closing), stop)
  return [{ ...configuration, ...ok(seen) }, ...found]
}
