import { problemText } from '../config/config-problem.ts'
import { readConfig } from '../config/load-config.ts'
import { configSources, type RunCommand } from './command.ts'

export const lint: RunCommand = async (args, parts) => {
  const loaded = readConfig(configSources(args, parts))
  if (loaded.kind === 'invalid') return { exit: 2, value: { valid: false, problems: loaded.problems.map(problemText) } }
  const warnings = loaded.warnings.length === 0 ? undefined : loaded.warnings.map(problemText)
  return { exit: 0, value: { valid: true, warnings } }
}
