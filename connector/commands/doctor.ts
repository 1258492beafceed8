import { composeDoctor } from '../compose/compose-inspection.ts'
import { problemText } from '../config/config-problem.ts'
import { readConfig } from '../config/load-config.ts'
import { type Finding, failedResult, okResult } from '../inspect/doctor/doctor-parts.ts'
import { examine } from '../inspect/doctor/examine.ts'
import { aclLines } from '../inspect/doctor/needed-acls.ts'
import { answerSaver } from '../source/polaris/http/saved-answers.ts'
import { type Answer, type CommandArgs, type CommandParts, configSources, type RunCommand } from './command.ts'
import { onlyStream, runAsOperator, selectedConfig } from './command-resources.ts'

export const doctor: RunCommand = async (args, parts) => {
  if (args.acls === true) return { exit: 0, value: aclLines(selectedConfig(args, parts)) }
  const loaded = readConfig(configSources(args, parts))
  if (loaded.kind === 'valid') return await diagnose(args, parts)
  const findings = loaded.problems.map((problem) => ({
    ...configuration,
    ...failedResult('config.invalid', problemText(problem), 'correct this setting'),
  }))
  return { exit: 2, value: { healthy: false, findings } }
}

const configuration = { stream: null, check: 'configuration' } as const

function diagnose(args: CommandArgs, parts: CommandParts): Promise<Answer> {
  return runAsOperator(args, parts, async ({ streams, shared, closing }) => {
    const { config } = shared
    const save = args.save as string | undefined
    const intercept = save === undefined ? undefined : answerSaver(save, onlyStream(streams).polaris)
    const names = streams.map(({ name }) => name).join(', ')
    using _ = parts.showProgress(`checking ${names}`)
    const found = await examine(composeDoctor({ shared, closing, intercept }), parts.stop)
    const findings: Finding[] = [{ ...configuration, ...okResult(`connector ${config.connector}, ${names}`) }, ...found]
    const healthy = findings.every(({ verdict }) => verdict !== 'failed')
    // A rejected login is no missing ACL: it fails the first check of Kafka.
    const lacksAcl = found.some(({ code, check }) => code === 'publish.unauthorized' && check !== 'kafka')
    const saved = save && `the answers of Polaris are in ${save}: they hold personal data`
    return { exit: healthy ? 0 : 1, value: { healthy, findings, acls: lacksAcl ? aclLines(config) : undefined, saved } }
  })
}
