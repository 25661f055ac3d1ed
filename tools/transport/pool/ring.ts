/**
 * A list whose nodes live in their items, so that adding and removing anywhere takes constant time and
 * allocates nothing.
 *
 * @module
 */

/** A place in at most one {@linkcode Ring} at a time. */
export interface RingNode<T> {
  /** The item that stands in this place. */
  readonly item: T;
  /** The ring that the node is in now. */
  ring: Ring<T> | undefined;
  /** The node before this one. */
  previous: RingNode<T> | undefined;
  /** The node after this one. */
  next: RingNode<T> | undefined;
}

/** A doubly linked list in order of arrival. */
export class Ring<T> {
  /** The node that has been here longest. */
  first: RingNode<T> | undefined;
  /** The node that came last. */
  last: RingNode<T> | undefined;
  /** Number of nodes. */
  size = 0;

  /** A node for `item`, in no ring yet. */
  static node<T>(item: T): RingNode<T> {
    return { item, ring: undefined, previous: undefined, next: undefined };
  }

  /** Adds a node at the end. The node must be in no ring. */
  push(node: RingNode<T>): void {
    node.ring = this;
    node.previous = this.last;
    if (this.last === undefined) this.first = node;
    else this.last.next = node;
    this.last = node;
    this.size++;
  }

  /** Removes a node, wherever it stands. A node that is not in this ring is left alone. */
  remove(node: RingNode<T>): void {
    if (node.ring !== this) return;
    const { previous, next } = node;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    node.ring = node.previous = node.next = undefined;
    this.size--;
  }
}
