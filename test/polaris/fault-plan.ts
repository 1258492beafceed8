import type { Fault } from './fault.ts'
import type { Call } from './request.ts'

/** The faults of future calls. */
export interface FaultPlan {
  /** Applies the fault to the next `count` calls of `Client.GetClientsModified` that no `when` rule matches. */
  next(count: number, fault: Fault): void
  /** Applies the fault to every call that matches, until the returned function is called. The first match wins. */
  when(matches: (call: Call) => boolean, fault: Fault | ((call: Call) => Fault)): () => void
  /** Removes all faults. */
  clear(): void
  /** The fault of this call. Removes it from the queue of `next`. */
  take(call: Call): Fault | undefined
}

export function faultPlan(): FaultPlan {
  const queue: Fault[] = []
  const rules: { matches: (call: Call) => boolean; fault: Fault | ((call: Call) => Fault) }[] = []
  return {
    next: (count, fault) => {
      for (let added = 0; added < count; added += 1) queue.push(fault)
    },
    when: (matches, fault) => {
      const rule = { matches, fault }
      rules.push(rule)
      return () => void (rules.includes(rule) && rules.splice(rules.indexOf(rule), 1))
    },
    clear: () => {
      queue.length = 0
      rules.length = 0
    },
    take: (call) => {
      const fault = rules.find((rule) => rule.matches(call))?.fault
      if (typeof fault === 'function') return fault(call)
      return fault ?? (call.function === 'Client.GetClientsModified' ? queue.shift() : undefined)
    },
  }
}
