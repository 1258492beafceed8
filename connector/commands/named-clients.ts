import { type CommandArgs, type CommandOption, type CommandParts, optionTexts } from './command.ts'
import { invalidRequest } from './command-resources.ts'

/** Limit of every list of client ids. */
export const MAX_CLIENTS = 1_000

export const clientsOption = {
  client: {
    type: 'string',
    value: 'id',
    multiple: true,
    description: `a client id, may be repeated; - reads ids from standard input, one a line; at most ${MAX_CLIENTS}`,
  },
} as const satisfies Record<string, CommandOption>

/** The clients that `--client` names, each once; empty without the option. Rejects with `command.invalid`. */
export async function namedClients(
  args: CommandArgs,
  { readInput }: Pick<CommandParts, 'readInput'>,
): Promise<readonly string[]> {
  const given = optionTexts(args, 'client')
  // So that the ids are not in the history of the shell.
  const lines = given.includes('-') ? (await readInput()).split(/\r?\n/) : []
  const ids = [...new Set([...given.filter((id) => id !== '-'), ...lines])].filter((id) => id !== '')
  if (given.length > 0 && ids.length === 0) throw invalidRequest('--client found no client id on standard input')
  if (ids.length > MAX_CLIENTS)
    throw invalidRequest(`--client must name at most ${MAX_CLIENTS} clients, not ${ids.length}`)
  return ids
}
