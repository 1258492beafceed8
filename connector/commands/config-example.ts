import { fileURLToPath } from 'node:url'
import type { Command } from './command.ts'

export const configExample: Command = {
  name: 'config example',
  summary: 'print a commented configuration file to start from',
  usage:
    'Prints a YAML file with the required settings and the most common optional ones. Redirect it to a\n' +
    'file, adapt it, and check it with lint --config.',
  options: {},
  examples: ['config example > connector.yaml'],
  run: async (_args, { print, readFile, root }) => {
    print(readFile(fileURLToPath(new URL('config/connector.example.yaml', root))).trimEnd())
    return 0
  },
}
