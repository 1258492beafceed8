import type { WallText } from '../wall-clock.ts'

/** A field as the server stores it, independent of the output format. */
export type FieldValue =
  | string
  | boolean
  | null
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'time'; readonly wall: WallText }
  | { readonly kind: 'group'; readonly fields: Fields }
  | { readonly kind: 'list'; readonly item: string; readonly items: readonly Fields[] }
export type Fields = Readonly<Record<string, FieldValue>>

/** Marks that occur only in the invented personal data. None may appear in a log line, an error or a metric. */
export const plantedMarks: readonly string[] = [
  '@canari.example',
  'Zyxel',
  'Qwolph',
  'Vouzbraque',
  'Troufignac',
  '01 99 00',
  '06 39 98',
  '29900770',
]

const SURNAMES = [
  'Zyxelard',
  'Zyxelin',
  'Zyxelot',
  'de la Zyxelière',
  'Zyxelmont',
  "O'Zyxel",
  'Zyxelé',
  'Zyxelu & Fils',
]
const FIRST_NAMES = ['Qwolphine', 'Qwolphe', 'Jean-Qwolph', 'Qwolphée', 'Aliqwolph', 'Qwolphette', 'Maïqwolph']
const STREETS = ['rue du Vouzbraque', 'allée des Vouzbraques', 'impasse Vouzbraque', 'quai du Vieux Vouzbraque']
const TOWNS = ['Troufignac', 'Troufignac-lès-Bains', 'Saint-Troufignac', 'Troufignac <Bourg>', 'Troufignac-sur-Même']
const GENDERS = ['M', 'MME', 'MLLE', 'STE']
/** .NET's minimum date, which means "no date". */
const NO_DATE = { kind: 'time', wall: '0001-01-01T00:00:00.000' } as const

/** Determines a client: equal values give the same client on any machine and in any run. */
export interface ClientSeed {
  readonly seed: number
  readonly index: number
  readonly id: string
  /** Version of the content: different versions have different content. */
  readonly version: number
  readonly modified: WallText
}

/** An invented client of a French shop, about 870 bytes of XML. `NoVersion` identifies the change in an event. */
export function madeUpClient(of: ClientSeed): Fields {
  const person = numbers(of.seed, of.index, 0)
  const state = numbers(of.seed, of.index, of.version)
  const surname = pick(SURNAMES, person())
  const firstName = pick(FIRST_NAMES, person())
  const born = dayOf(person, 1935, 70)
  return {
    No: { kind: 'number', text: of.id },
    Ident: pick(GENDERS, person()),
    Nom: surname,
    Prenom: firstName,
    Adresse: { kind: 'group', fields: address(surname, person, state) },
    Telephone: person() < 0.3 ? null : `01 99 00 ${pair(person())} ${pair(person())}`,
    Mobile: `06 39 98 ${pair(state())} ${pair(state())}`,
    Mail: `client.${of.id}@canari.example`,
    DateNaissance: person() < 0.1 ? NO_DATE : { kind: 'time', wall: `${born}T00:00:00.000` },
    DateModification: { kind: 'time', wall: of.modified },
    DateCreation: { kind: 'time', wall: `${dayOf(person, 2008, 10)}T09:30:00.000` },
    Cartes: { kind: 'list', item: 'Carte', items: cards(of.index, person, state) },
    Magasin: { kind: 'number', text: String(1 + Math.floor(person() * 40)) },
    Ean: `0${String(of.index).padStart(12, '0')}`,
    TypeClient: 'CLIENT',
    AccepteMailing: state() < 0.5,
    ChiffreAffaires: { kind: 'number', text: (state() * 5000).toFixed(2) },
    Memo: null,
    NoVersion: { kind: 'number', text: String(of.version) },
  }
}

function dayOf(random: () => number, firstYear: number, years: number): string {
  return new Date(Date.UTC(firstYear, 0, 1) + random() * years * 31_557_600_000).toISOString().slice(0, 10)
}

function address(surname: string, person: () => number, state: () => number): Fields {
  return {
    Nom: surname,
    RaisonSociale: null,
    Adresse1: `${1 + Math.floor(state() * 180)} ${pick(STREETS, person())}`,
    Adresse2: '',
    CodePostal: `0${1000 + Math.floor(person() * 8999)}`,
    Ville: pick(TOWNS, person()),
    CodePays: 'FR',
  }
}

function cards(index: number, person: () => number, state: () => number): readonly Fields[] {
  return Array.from({ length: index % 3 }, (_, card) => ({
    Numero: `29900770${String(index * 10 + card).padStart(5, '0')}`,
    TypeCarte: person() < 0.5 ? 'FID' : 'OR',
    Points: { kind: 'number', text: String(Math.floor(state() * 3000)) },
    Valide: person() < 0.8,
  }))
}

function pick(from: readonly string[], random: number): string {
  return from[Math.floor(random * from.length)] ?? ''
}

function pair(random: number): string {
  return String(Math.floor(random * 100)).padStart(2, '0')
}

/** Pseudo-random numbers in [0, 1) that depend only on the three arguments (mulberry32). */
export function numbers(seed: number, index: number, version: number): () => number {
  let state =
    Math.imul(seed ^ 0x9e3779b9, 2654435761) ^ Math.imul(index + 1, 0x85ebca6b) ^ Math.imul(version, 0xc2b2ae35)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
