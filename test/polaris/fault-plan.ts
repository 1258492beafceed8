import type { Fault } from './fault.ts'
import type { Call } from './request.ts'

/** The faults of future calls. */
export interface FaultPlan {
  /** Applies the fault to every call that matches, until the returned function is called. The first match wins. */
  when(matches: (call: Call) => boolean, fault: Fault | ((call: Call) => Fault)): () => void
  /** Removes all faults. */
  clear(): void
  /** The fault of this call. */
  of(call: Call): Fault | undefined
}

export function faultPlan(): FaultPlan {
  const rules: { matches: (call: Call) => boolean; fault: Fault | ((call: Call) => Fault) }[] = []
  return {
    when: (matches, fault) => {
      const rule = { matches, fault }
      rules.push(rule)
      return () => void (rules.includes(rule) && rules.splice(rules.indexOf(rule), 1))
    },
    clear: () => {
      rules.length = 0
    },
    of: (call) => {
      const fault = rules.find((rule) => rule.matches(call))?.fault
      return typeof fault === 'function' ? fault(call) : fault
    },
  }
}
