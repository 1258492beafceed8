import { property } from './foreign-error.ts'

const mostFrames = 20
const frame = /^ {4}at (?:.*\()?(?:file:\/\/)?((?:node:|\/)[\w./@+-]+:\d+:\d+)\)?$/
const root = /^.*\/(?=(?:dist|connector|node_modules|test)\/)/

/** Where an error came from: `file:line:column` of each frame below the root of the program, innermost first; nothing of its message. */
export function stackFrames(error: unknown): string[] {
  const [stack, message] = [property(error, 'stack'), property(error, 'message')]
  if (typeof stack !== 'string') return []
  const lines = withoutMessage(stack, message).split('\n')
  const first = lines.findLastIndex((line) => !frame.test(line) && !line.startsWith('    at ')) + 1
  return lines.slice(first).flatMap(place).slice(0, mostFrames)
}

/** The text before the frames repeats the message, whose lines may look like frames. */
function withoutMessage(stack: string, message: unknown): string {
  if (typeof message !== 'string' || message === '') return stack
  const at = stack.indexOf(message)
  return at === -1 ? stack : stack.slice(at + message.length)
}

function place(line: string): string[] {
  const path = frame.exec(line)?.[1]
  if (path === undefined) return []
  return path.startsWith('node:') || root.test(path) ? [path.replace(root, '')] : []
}
