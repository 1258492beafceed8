import * as z from 'zod'
import { problemText } from '../config/config-problem.ts'
import type { SettingValue } from '../config/describe-config.ts'
import { type Command, configOption, configSources, jsonOption, printOutput } from './command.ts'

/** What `lint --json` prints. */
export const lintShape = z.strictObject({
  valid: z.boolean().describe('Whether there is no problem'),
  settings: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string()).readonly()]))
    .optional()
    .describe(
      'If valid: the settings that differ from their defaults, with `--all` all in effect, by path, such as `streams[0].poll.interval`; secrets as `***`',
    ),
  problems: z
    .array(
      z.strictObject({
        what: z.string().describe('What is wrong, and how to correct it'),
        path: z.string().optional().describe('Path of the setting'),
        variable: z.string().optional().describe('Variable that it was read from, or that can set it'),
        file: z.string().optional().describe('File that it was read from'),
        line: z.int().optional().describe('Line in the file'),
      }),
    )
    .readonly()
    .optional()
    .describe('If not valid: every problem'),
})
type LintOutput = z.input<typeof lintShape>

export const lint: Command = {
  name: 'lint',
  summary: 'check the configuration without connecting',
  usage:
    'Prints every problem, where it is and how to correct it. If there is none, prints the settings\n' +
    'that differ from their defaults, with --all all settings in effect, with secrets as ***.',
  options: {
    ...configOption,
    all: { type: 'boolean', description: 'print also the settings that have their defaults' },
    ...jsonOption,
  },
  examples: ['lint --config connector.yaml', 'lint --config connector.yaml --all'],
  outputs: { '--json': lintShape },
  run: async (args, parts) => {
    const { readConfig } = await import('../config/load-config.ts')
    const { describeChanges, describeConfig } = await import('../config/describe-config.ts')
    const loaded = readConfig(configSources(args, parts))
    if (loaded.kind === 'valid') {
      const settings = args.all === true ? describeConfig(loaded.settings) : describeChanges(loaded.settings)
      const json: LintOutput = { valid: true, settings }
      printOutput(args, parts, { json, lines: () => ['configuration is valid', ...settingLines(settings)] })
      return 0
    }
    const json: LintOutput = { valid: false, problems: loaded.problems }
    const print = args.json === true ? parts.print : parts.printError
    printOutput(args, { print }, { json, lines: () => loaded.problems.map(problemText) })
    return 2
  },
}

function settingLines(settings: Readonly<Record<string, SettingValue>>): string[] {
  return Object.entries(settings).map(
    ([path, value]) => `  ${path}: ${typeof value === 'object' ? JSON.stringify(value) : value}`,
  )
}
