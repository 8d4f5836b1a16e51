// Package show makes text from outside fit to be shown to a person, and composes
// the question that a person answers before a dangerous tool call.
//
// What a person is shown must be what is done. A tool's name, its arguments and
// what a client calls itself come from parties who may want the answer to be
// yes, so nothing in them may hide, move, recolour or imitate anything.
//
// [Line] is the one way in. Whatever a reader could not see or could take for
// something else is written out between the marks ⟨ and ⟩, which never stand
// there otherwise: ⟨U+202E⟩ for a character, ⟨byte 0xff⟩ for a byte that is no
// text, ⟨12 spaces⟩, ⟨U+0430 like a⟩ for a letter that passes for another. Text
// that was not cut can be read back from what is shown. [JSON] lays arguments
// out in lines that are each as safe, [Diff] compares two of them, and
// [Question.Text] puts arguments behind a gutter.
//
// The package is pure: no clock, no input or output. Time is linear in what is
// given, and what comes out is bounded by [Limits] alone.
//
// # Why marks, and not removal
//
// A question without its hidden parts would be about another call. Marks keep
// the answer to the bytes that are sent, and show the attempt.
//
// # Why lines are folded
//
// A terminal or chat window wraps a long line, and the rest of it begins at the
// left edge, where the labels stand. A question's lines are therefore folded
// before they can be, each part behind its gutter.
//
// # Why a table of look-alikes of our own
//
// Unicode's list of confusables finds rn like m and l like 1, and would mark
// half of every Greek word. Here a letter is marked where it can deceive: in a
// word that also has Latin letters, or that has nothing but look-alikes. A word
// of up to three such letters stays as it is next to a word that can only be of
// its own script, so that ordinary Russian and Greek can be read.
//
// The Unicode version is the one of Go's tables. A character assigned later is
// shown by its number.
package show
