package import Diagnostics
package import Storage

extension FATVolume {
    /// Carries what was edited over an overlay to the medium, so that a power cut leaves every file with its old
    /// contents or its new ones:
    ///
    ///  1. data: all but the tables and the directories that are on the medium now;
    ///  2. tables that hold the old chains and the new ones;
    ///  3. directories, which from now on name the new chains;
    ///  4. the tables as they must be, without the old chains.
    ///
    /// A single pass over tables and directories would not do: between the two, the old directory entries would point
    /// to chains that are free already. Only on a volume so full that clusters had to be used twice in one overlay can
    /// a cut damage a file that was replaced.
    ///
    /// `range` is where the volume lies, in bytes, in the overlay and in `target`; what changed outside of it is data.
    package static func commit(
        _ overlay: Overlay, volumeAt range: Range<Int64>, to target: some WritableBlockStore
    ) throws(Failure) {
        let medium = try Window(target, range: range, name: target.name)
        let old = try FATVolume(medium, name: target.name, modified: FATTimestamp(secondsSince1970: 0))
        let wanted = try FileAllocationTable(
            of: Window(overlay, range: range, name: overlay.name), boot: old.boot)
        let tables = old.tableRanges.shifted(by: range.lowerBound)
        let directories = try old.reader.directoryRanges().shifted(by: range.lowerBound)
        let changes = overlay.changes

        try carry(changes.subtracting(tables).subtracting(directories), of: overlay, to: target)
        var both = old.table.keepingChains(besides: wanted)
        let layer = Overlay(over: medium)
        try both.flush(to: layer)
        try layer.commit(to: medium)
        try carry(changes.intersection(directories), of: overlay, to: target)
        try carry(changes.intersection(tables), of: overlay, to: target)
    }

    /// Blocks that two steps share are read again for each, and hold nothing of a later step.
    private static func carry(
        _ ranges: ByteRanges, of overlay: Overlay, to target: some WritableBlockStore
    ) throws(Failure) {
        let layer = Overlay(over: target)
        for range in ranges.ranges {
            try layer.write(overlay.bytes(at: range.lowerBound, count: range.count), at: range.lowerBound)
        }
        try layer.commit(to: target)
    }
}
