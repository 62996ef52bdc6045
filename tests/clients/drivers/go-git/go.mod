module driver
