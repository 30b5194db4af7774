/// One change to the files of a Linux root partition, as a value: ``Ext4Edit`` carries it out.
///
/// The directories above a path are followed through links (/lib may be one), and made with mode 0755 for root when they
/// are missing. A path that has the wanted state already is left alone, so that making a change twice changes nothing.
package struct TreeChange: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        /// A file with these contents and permission bits takes the place of whatever file or link is there.
        case file(contents: [UInt8], mode: UInt16)
        /// A directory with these permission bits; what is in it already stays.
        case directory(mode: UInt16)
        /// A symbolic link takes the place of whatever file or link is there.
        case symbolicLink(target: String)
        /// The file or directory at the path gets another name in the same directory; nothing happens if the path is
        /// free and the new name is taken.
        case rename(to: String)
        /// Deletes a file, a link or an empty directory; it is not an error if there is none.
        case removal
    }

    /// Absolute.
    package var path: String
    package var action: Action
    /// The owner's numeric user and group.
    package var user: UInt32
    package var group: UInt32
    /// The time of last modification (seconds since 1970) that a file must have; nil if it does not matter.
    package var modified: Int64?

    package init(_ action: Action, at path: String, user: UInt32 = 0, group: UInt32 = 0, modified: Int64? = nil) {
        self.path = path
        self.action = action
        self.user = user
        self.group = group
        self.modified = modified
    }
}
