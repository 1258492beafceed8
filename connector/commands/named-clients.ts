import { type CommandArgs, type CommandOption, type CommandParts, optionText, optionTexts } from './command.ts'
import { invalidRequest } from './command-resources.ts'

/** Limit of every list of client ids. */
const MAX_CLIENTS = 1_000

/** The clients that `--client` names: repeated, or one a line of standard input. Rejects with `command.invalid`. */
export function namedClients(args: CommandArgs, parts: Pick<CommandParts, 'readInput'>): Promise<readonly string[]> {
  return clientsIn(optionTexts(args, 'client'), parts)
}

export const clientsOption = {
  client: {
    type: 'string',
    value: 'id',
    multiple: true,
    description: `the client id, may be repeated; - reads ids from standard input, one a line; at most ${MAX_CLIENTS}`,
  },
} as const satisfies Record<string, CommandOption>

/** The client that `--client` names. Rejects with `command.invalid`. */
export async function namedClient(args: CommandArgs, parts: Pick<CommandParts, 'readInput'>): Promise<string> {
  const given = optionText(args, 'client')
  const [id, ...others] = await clientsIn(given === undefined ? [] : [given], parts)
  if (id === undefined || id === '' || others.length > 0) throw invalidRequest('--client must be the id of one client')
  return id
}

/** `-` stands for the lines of standard input, so that the ids are not in the history of the shell. */
async function clientsIn(given: readonly string[], { readInput }: Pick<CommandParts, 'readInput'>): Promise<string[]> {
  const lines = given.includes('-') ? (await readInput()).split(/\r?\n/).filter((line) => line !== '') : []
  const ids = [...new Set([...given.filter((id) => id !== '-'), ...lines])]
  if (given.length > 0 && ids.length === 0) throw invalidRequest('--client - found no client id on standard input')
  if (ids.length > MAX_CLIENTS)
    throw invalidRequest(`--client must name at most ${MAX_CLIENTS} clients, not ${ids.length}`)
  return ids
}
