import * as z from 'zod'
import { commandList } from '../../connector/commands/command-list.ts'

const description =
  'What each command prints with --json, by command and options. Times are in UTC, unless the text says otherwise. ' +
  'A minor version may add fields; only a major version removes or renames one.'

const commands = await Promise.all(commandList.map(({ load }) => load()))

/** The JSON schema of every `--json`, in one file. */
export function commandOutputs(): string {
  const shapes = commands.flatMap(({ name, outputs = {} }) =>
    Object.entries(outputs).map(([options, shape]) => [`${name} ${options}`, shapeOf(shape)] as const),
  )
  const $schema = 'https://json-schema.org/draft/2020-12/schema'
  const title = 'Output of the commands as JSON'
  return `${JSON.stringify({ $schema, title, description, $defs: Object.fromEntries(shapes) }, undefined, 2)}\n`
}

function shapeOf(shape: z.ZodType): object {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io: 'output' })
  return schema
}
