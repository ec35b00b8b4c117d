import { isObject, memberOf } from './field-path.ts'
import { numberOf } from './json-numbers.ts'

export type Point = { latitude: number; longitude: number }

/** metres of one degree along a meridian */
const degreeMetres = 111_320
/** far enough from a pole that a degree of longitude has a length */
const leastCosine = 0.01

const coordinate = (value: unknown, name: string, most: number): number | undefined => {
  if (!isObject(value) || !Object.hasOwn(value, name)) return undefined
  const number = numberOf(value[name])
  return number !== undefined && Math.abs(number) <= most ? number : undefined
}

/** An object with a latitude and a longitude. */
export const isPoint = (value: unknown): value is Record<string, unknown> =>
  pointOf(value) !== undefined

function pointOf(value: unknown): Point | undefined {
  const latitude = coordinate(value, 'latitude', 90)
  const longitude = coordinate(value, 'longitude', 180)
  return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude }
}

/** A circle or a polygon of the standard (CAMARA Commonalities, Area). */
export const isArea = (value: unknown): value is Record<string, unknown> =>
  isObject(value) &&
  (isPoint(memberOf(value, 'center')) ||
    (Array.isArray(memberOf(value, 'boundary')) &&
      (memberOf(value, 'boundary') as unknown[]).length > 0 &&
      (memberOf(value, 'boundary') as unknown[]).every(isPoint)))

/**
 * The cell of a grid that a point is in. Rows are of equal height; the cells of a row are as wide in degrees as the grid
 * is in metres on its longer side, so that no point is farther from the middle than half of the grid in each direction.
 */
function cellOf(
  point: Point,
  gridMetres: number,
): { middle: Point; height: number; width: number } {
  const height = Math.min(gridMetres / degreeMetres, 180)
  const latitude = within(-90, (Math.floor(point.latitude / height) + 0.5) * height, 90)
  const nearest = Math.max(0, Math.abs(latitude) - height / 2)
  const cosine = Math.max(leastCosine, Math.cos((nearest * Math.PI) / 180))
  const width = Math.min(gridMetres / (degreeMetres * cosine), 360)
  const longitude = within(-180, (Math.floor(point.longitude / width) + 0.5) * width, 180)
  return { middle: { latitude, longitude }, height, width }
}

const within = (least: number, value: number, most: number): number =>
  Math.min(most, Math.max(least, value))

/** about a tenth of a metre: a middle that is written with fewer digits must stay in its cell */
const rounded = (degrees: number): number => Math.round(degrees * 1e6) / 1e6

/** The middle of the cell: every point of one cell becomes the same one. */
export function coarsePoint(value: Record<string, unknown>, gridMetres: number): Point {
  const point = pointOf(value) ?? { latitude: 0, longitude: 0 }
  const { middle } = cellOf(point, gridMetres)
  return { latitude: rounded(middle.latitude), longitude: rounded(middle.longitude) }
}

/** An area that holds the one that it stands for, and tells no more of its place than the grid. */
export function coarseArea(
  area: Record<string, unknown>,
  gridMetres: number,
): Record<string, unknown> {
  const copy: Record<string, unknown> = { ...area }
  const center = memberOf(area, 'center')
  if (isPoint(center)) {
    copy.center = { ...center, ...coarsePoint(center, gridMetres) }
    const radius = numberOf(memberOf(area, 'radius'))
    if (radius !== undefined) copy.radius = grownRadius(radius, gridMetres)
  }
  const boundary = memberOf(area, 'boundary')
  if (Array.isArray(boundary)) copy.boundary = frameOf(boundary, gridMetres)
  return copy
}

/**
 * Longer than the way from any point to the middle of its cell, and in steps of the grid: a radius of 437 metres names a
 * cell of the network as well as its place does.
 */
export function grownRadius(radius: number, gridMetres: number): number {
  return (Math.ceil(Math.max(0, radius) / gridMetres) + 1) * gridMetres
}

/** The four corners of the cells that hold a polygon: a polygon's own corners are exact places. */
function frameOf(boundary: readonly unknown[], gridMetres: number): Point[] {
  let south = 90
  let north = -90
  let west = 180
  let east = -180
  for (const corner of boundary) {
    const point = pointOf(corner)
    if (point === undefined) continue
    const { middle, height, width } = cellOf(point, gridMetres)
    south = Math.min(south, middle.latitude - height / 2)
    north = Math.max(north, middle.latitude + height / 2)
    west = Math.min(west, middle.longitude - width / 2)
    east = Math.max(east, middle.longitude + width / 2)
  }
  const low = {
    latitude: rounded(within(-90, south, 90)),
    longitude: rounded(within(-180, west, 180)),
  }
  const high = {
    latitude: rounded(within(-90, north, 90)),
    longitude: rounded(within(-180, east, 180)),
  }
  return [
    low,
    { latitude: low.latitude, longitude: high.longitude },
    high,
    { latitude: high.latitude, longitude: low.longitude },
  ]
}
