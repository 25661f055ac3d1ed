/**
 * The kinds of figures. To TypeScript each is a number; what else it must be stands in its tags, and from
 * there in the schema of results documents.
 *
 * @module
 */

/**
 * A whole number of at least 0.
 *
 * @asType integer
 * @minimum 0
 */
export type Count = number;

/**
 * A number of at least 0, in the unit that its name says.
 *
 * @minimum 0
 */
export type Amount = number;

/**
 * A part of a whole: 0 is nothing, 1 is all of it.
 *
 * @minimum 0
 * @maximum 1
 */
export type Share = number;
