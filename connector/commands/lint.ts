import { problemText } from '../config/config-problem.ts'
import { readConfig } from '../config/load-config.ts'
import { configSources, type RunCommand } from './command.ts'

export const lint: RunCommand = async (args, parts) => {
  const loaded = readConfig(configSources(args, parts))
  if (loaded.kind === 'valid') return { exit: 0, value: { valid: true } }
  return { exit: 2, value: { valid: false, problems: loaded.problems.map(problemText) } }
}
