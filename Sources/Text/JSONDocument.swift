package import Diagnostics

/// A JSON text (RFC 8259) with the places of its top-level members.
///
/// It is read as strictly as Go's encoding/json reads it, and so dockerd, with one difference: repeated names are kept, so
/// that the caller can report them. Go's reader takes the last one and says nothing, as ``JSONValue/init(parsing:)`` does.
package struct JSONDocument: Sendable {
    /// A member of the top-level object.
    package struct Entry: Hashable, Sendable {
        package let name: String
        package let namePlace: Location
        package let value: JSONValue
        package let valuePlace: Location
    }

    /// Why a text is not JSON.
    package struct Problem: Error, Hashable, Sendable {
        package let place: Location
        /// Without the place: "expected a value, found "x"".
        package let text: String
    }

    /// The objects in it have all their members, in their order, also those whose names are repeated.
    package let value: JSONValue
    /// The members of the top-level object; empty if the value is not an object.
    package let entries: [Entry]
    /// Where something follows the value, and whether there is a "{" in it.
    package let trailing: (place: Location, holdsObject: Bool)?

    package var isObject: Bool { if case .object = value { true } else { false } }

    /// Reads the first value of `text`, which has no byte-order mark.
    ///
    /// - Parameter file: What the places name.
    package init(parsing text: String, file: String) throws(Problem) {
        var reader = JSONReader(text, file: file)
        value = try reader.document()
        entries = reader.entries
        trailing = reader.trailing
    }
}

extension JSONValue {
    /// Reads a whole JSON text in UTF-8. Of a name that appears twice in one object the last value counts, as for dockerd.
    /// An empty text is an empty object, and a byte-order mark is ignored, as newer engines do.
    package init(parsing bytes: [UInt8]) throws(Failure) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.invalidJSON, "not UTF-8 text")
        }
        guard text.contains(where: { !$0.isWhitespace && $0 != Character(ByteOrderMark.scalar) }) else {
            self = .object([])
            return
        }
        do throws(JSONDocument.Problem) {
            let document = try JSONDocument(parsing: text.withoutByteOrderMark, file: "")
            if let trailing = document.trailing {
                throw JSONDocument.Problem(place: trailing.place, text: "something follows the value")
            }
            self = document.value.withoutRepeatedNames
        } catch {
            throw Failure(.invalidJSON, "line \(error.place.line): \(error.text)")
        }
    }

    /// The last value of a repeated name, at the place of the first.
    private var withoutRepeatedNames: JSONValue {
        switch self {
        case .array(let items): return .array(items.map(\.withoutRepeatedNames))
        case .object(let members):
            var kept: [Member] = []
            var known: [String: Int] = [:]
            for member in members {
                let value = member.value.withoutRepeatedNames
                if let index = known[member.name] {
                    kept[index].value = value
                } else {
                    known[member.name] = kept.count
                    kept.append(Member(member.name, value))
                }
            }
            return .object(kept)
        default: return self
        }
    }
}

extension Failure.Code {
    package static let invalidJSON = Failure.Code("recipes.invalid-json")
}
