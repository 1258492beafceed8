import { type Command, configOption } from '../command.ts'
import { invalidRequest, streamOption, withStream } from '../command-resources.ts'
import { rewriteOptions, rewriteTo, storedStanding } from './rewrite-stream.ts'

export const checkpointReset: Command = {
  name: 'checkpoint reset',
  summary: 'make a stream read everything again from POLARIS_LAST_CHANGED',
  usage:
    'Like `checkpoint set`, but makes the backfill run again, from the configured POLARIS_LAST_CHANGED.\n' +
    'Live scans continue meanwhile. Publishes only clients whose content differs from what was\n' +
    'published last, except with --republish.',
  options: {
    ...configOption,
    ...streamOption,
    republish: { type: 'boolean', description: 'also publish unchanged clients again' },
    ...rewriteOptions,
  },
  examples: ['checkpoint reset --config connector.yaml --stream lyon --yes'],
  run: (args, parts) =>
    withStream(args, parts, async (chosen) => {
      if (chosen.stream.beginAt === undefined)
        throw invalidRequest('POLARIS_LAST_CHANGED is not set: set it, or use checkpoint set')
      const standing = await storedStanding(chosen, parts)
      return await rewriteTo(args, parts, { ...chosen, to: { kind: 'reset' }, standing })
    }),
}
