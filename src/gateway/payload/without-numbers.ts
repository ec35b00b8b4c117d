const day = String.raw`(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`
const time = String.raw`(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?`
/** a date, a moment, or a time of day, as ISO 8601 and RFC 3339 write them; two of them are an interval */
const moment = `(?:${day}(?:[Tt ]${time})?|${time})`
const between = String.raw`[\s\u00a0\-\u2010-\u2015./()]`
const digit = '\\p{Nd}'

/**
 * First what is a moment and nothing more: with further digits before or behind it, it would be a part of a number. Then
 * numbers, however their digits are set; and what has five digits or more without any space.
 */
const pattern = new RegExp(
  [
    `(?<moment>(?<!${digit}${between}{0,4}|[+:])${moment}(?:(?:/|--)${moment})?(?!:|${between}{0,4}${digit}))`,
    `[+(]{0,2}${digit}(?:${between}{0,4}${digit}){7,}`,
    String.raw`\+${digit}(?:[\s().-]?${digit}){5,}`,
    `${digit}{5,}`,
  ].join('|'),
  'gu',
)

/**
 * A message of an upstream is for people and free, so a number in it could be somebody's: only dates and times stay.
 * @public
 */
export const withoutNumbers = (message: string): string =>
  message.replaceAll(pattern, (found, ...rest) => {
    const groups = rest.at(-1) as { moment?: string }
    return groups.moment === undefined ? '(a number)' : found
  })
