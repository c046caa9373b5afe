/* Nothing: IoCreateDeviceSecure stands in ntifs.h. */
