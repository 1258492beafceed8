import { invalidRequest } from '../chosen-stream.ts'
import { type CommandArgs, type CommandOption, optionText } from '../command.ts'

export const reasonOption = {
  reason: {
    type: 'string',
    value: 'text',
    description: 'why, up to 200 characters: shown in logs and /status, so no personal data',
  },
} as const satisfies Record<string, CommandOption>

/** Throws `command.invalid`. */
export function reasonIn(args: CommandArgs): string {
  const reason = optionText(args, 'reason')?.trim() ?? ''
  if (/^[^\p{Cc}]{1,200}$/u.test(reason)) return reason
  throw invalidRequest('--reason must be one line of 1 to 200 characters that says why')
}
