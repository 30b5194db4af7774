import Diagnostics
import Host
import Storage

/// What is asked of a confined process that reads partition tables and file systems.
enum FilesystemRequest: Int {
    case table, identify, open, entry, read, list, apply, freeSpace, journal

    var values: PackedValues {
        var values = PackedValues()
        values.add(rawValue)
        return values
    }

    /// About the file system that fills `store`; messages call it `name`. `time`, in seconds since 1970, is for what is
    /// written.
    func values(on store: any BlockStore, name: String, time: Int64) -> PackedValues {
        var values = values
        values.add(store.size)
        values.add(name)
        values.add(time)
        return values
    }
}
