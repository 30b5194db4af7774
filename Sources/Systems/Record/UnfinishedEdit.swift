import Diagnostics

/// An edit of a written card that was begun and not finished: the power was cut, or something failed.
///
/// Before the first file changes, the record that the card will have is put beside the one that it has. When all files are
/// on the card, it takes its place.
package enum UnfinishedEdit {
    package static let path = BootPath.unfinishedRecord
}

extension BootSnapshot {
    /// The record that the card would have after an edit that was begun; nil if none was, or if it cannot be read.
    package var unfinishedEdit: CardRecord? {
        contents(UnfinishedEdit.path).flatMap { try? CardRecord(decoding: $0) }
    }

    /// What piflash may have put on the card, by its record and that of an edit that was begun; nil if there is neither. A
    /// damaged record counts as none.
    package var recordOfAll: CardRecord? {
        let record = contents(CardRecord.path).flatMap { try? CardRecord(decoding: $0) }
        guard var begun = unfinishedEdit else { return record }
        // What the first boot has deleted, only the record of a finished edit knows.
        begun.consumed = [:]
        return record?.including(begun) ?? begun
    }
}

extension CardRecord {
    /// This record, which also lists the files and the words that `other` lists.
    package func including(_ other: CardRecord) -> CardRecord {
        func union(_ one: [String], _ more: [String]) -> [String] { one + more.filter { !one.contains($0) } }
        var record = self
        record.files = union(files, other.files)
        record.cmdlineAdded = union(cmdlineAdded, other.cmdlineAdded)
        record.rootFiles = union(rootFiles, other.rootFiles)
        record.bootSecrets = bootSecrets || other.bootSecrets
        return record
    }
}
