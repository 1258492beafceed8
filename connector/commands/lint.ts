import { problemText } from '../config/config-problem.ts'
import { type Command, configOption, configSources, jsonOption } from './command.ts'

export const lint: Command = {
  name: 'lint',
  summary: 'check the configuration without connecting',
  usage: 'Prints every problem, where it is and how to correct it.',
  options: { ...configOption, ...jsonOption },
  examples: ['lint --config connector.yaml'],
  run: async (args, parts) => {
    const { readConfig } = await import('../config/load-config.ts')
    const loaded = readConfig(configSources(args, parts))
    if (loaded.kind === 'invalid')
      return { exit: 2, value: { valid: false, problems: loaded.problems.map(problemText) } }
    return { exit: 0, value: { valid: true } }
  },
}
