import Formats

/// A machine's report: delivery status, feedback report, and the bounces that follow no standard.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    _ = try? BounceProbe.result([UInt8](UnsafeBufferPointer(start: data, count: size)))
    return 0
}
