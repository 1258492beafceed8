import { problemText } from '../config/config-problem.ts'
import type { SettingValue } from '../config/describe-config.ts'
import { type Command, configOption, configSources } from './command.ts'

export const lint: Command = {
  name: 'lint',
  summary: 'check the configuration without connecting',
  usage:
    'Prints every problem, where it is and how to correct it. If there is none, prints the settings\n' +
    'in effect, with secrets as ***.\n' +
    'Exit code: 0 valid, 2 invalid.',
  options: { ...configOption, json: { type: 'boolean', description: 'print JSON' } },
  examples: ['lint --config connector.yaml'],
  run: async (args, parts) => {
    const { print, printError } = parts
    const { readConfig } = await import('../config/load-config.ts')
    const { describeConfig } = await import('../config/describe-config.ts')
    const loaded = readConfig(configSources(args, parts))
    const isJson = args.json === true
    if (loaded.kind === 'valid') {
      const settings = describeConfig(loaded.settings)
      if (isJson) print(JSON.stringify({ valid: true, settings }, undefined, 2))
      else for (const line of ['configuration is valid', ...settingLines(settings)]) print(line)
      return 0
    }
    const { problems } = loaded
    if (isJson) print(JSON.stringify({ valid: false, problems }, undefined, 2))
    else for (const problem of problems) printError(problemText(problem))
    return 2
  },
}

function settingLines(settings: Readonly<Record<string, SettingValue>>): string[] {
  return Object.entries(settings).map(
    ([path, value]) => `  ${path}: ${typeof value === 'object' ? JSON.stringify(value) : value}`,
  )
}
