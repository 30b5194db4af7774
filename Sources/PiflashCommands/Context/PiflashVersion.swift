/// The version of this program, as `piflash --version` prints it and every card records it.
package enum PiflashVersion {
    package static let current = "0.1.0"
}
