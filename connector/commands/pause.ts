import { type Answer, invalidRequest, type RunCommand } from './command.ts'
import { withStream } from './command-resources.ts'
import { operatorAndTime, type SeenStream, storeWish, waitForReplica } from './seen-stream.ts'

export const pause: RunCommand = (args, parts) => {
  const reason = String(args.reason ?? '').trim()
  if (!/^[^\p{Cc}]{0,200}$/u.test(reason)) throw invalidRequest('--reason must be one line of at most 200 characters')
  return withStream(args, parts, async (chosen) => {
    const { name } = chosen.stream
    await storeWish(chosen, { paused: true, reason, ...operatorAndTime(chosen) }, parts.stop)
    const unconfirmed = `stored, but no replica has confirmed yet that stream ${name} is paused`
    return await waitForReplica(chosen, { answerIn: pauseConfirmed(name), unconfirmed }, parts)
  })
}

/**
 * Returns a function that tells whether the pause is confirmed: nothing is published any more once the document has no
 * owner and nothing pending.
 */
function pauseConfirmed(name: string) {
  return ({ document }: SeenStream): Answer | undefined => {
    const unknown = `stored, but whether stream ${name} is still published is unknown: it has no readable checkpoint`
    if (typeof document === 'string') return { exit: 3, value: `${unknown} (${document})` }
    const isLeft = document.claim.owner === null && document.pending === null
    return isLeft ? { exit: 0, value: `stream ${name} is paused` } : undefined
  }
}

export const resume: RunCommand = (args, parts) =>
  withStream(args, parts, async (chosen) => {
    const { name } = chosen.stream
    const before = await storeWish(chosen, { paused: false, reason: '', ...operatorAndTime(chosen) }, parts.stop)
    const value = before.paused
      ? `stream ${name} is resumed: its replica opens it within ten seconds`
      : `stream ${name} is not paused; if it is held, it tries again within ten seconds`
    return { exit: 0, value }
  })
